// A training in stages, so that one transaction or several can hold it, and each stage frees what
// the next does not need.
//
//   TrainRequest -> TrainingData (of RatingReader and Ratings) -> TrainingLoop -> ModelWriter
#pragma once

#include "core/base/stopwatch.h"
#include "core/train/training_loop.h"
#include "pg/train/run_record.h"
#include "pg/train/training_data.h"
#include "pg/train/training_features.h"

namespace als::pg {

class Training {
 public:
  /// What is given must outlive it; the types of ids are allocated in `context`.
  Training(const TrainRequest& request, ModelWriter& model, Progress& progress,
           MemoryContext context);

  /// All stages, one after the other. The model is locked by now.
  void run();

  /// Looks at the source. The model is locked by now.
  void describe();
  const DescribedSource& source() const { return *source_; }

  /// Makes the tables that are missing, and so shows at once where a privilege is.
  void prepare_tables();

  /// Reads the ratings under a fresh snapshot.
  void read();

  /// Indexes them; needs an active snapshot.
  void index();

  /// Sets up the factors to start from. Only a warm start reads, under a fresh snapshot.
  void start();

  /// The iterations. Of the server it needs nothing but interrupts: no snapshot, no lock.
  void iterate();

  /// Writes the factors and the run's row, which is left in SPI_tuptable.
  void write();

 private:
  const TrainOptions& options() const { return trainings_.front(); }
  TrainingLoop::State first_state();

  const TrainRequest& request_;
  ModelWriter& model_;
  Progress& progress_;
  MemoryContext context_;
  std::vector<TrainOptions> trainings_;  // this one alone
  std::optional<DescribedSource> source_;
  BySide<FeatureTable> feature_tables_;
  TrainReport report_;
  Stopwatch train_watch_;
  std::optional<TrainingData> data_;
  BySide<std::optional<TrainingFeatures>> features_;
  std::optional<ThreadTeam> team_;
  std::optional<TrainingLoop> loop_;
};

/// A whole training in one transaction: in memory, or where the rows are. The model is locked by
/// now. Leaves the row of the run in SPI_tuptable.
void run_training(const TrainRequest& request, ModelWriter& model, Progress& progress,
                  MemoryContext context);

}  // namespace als::pg
