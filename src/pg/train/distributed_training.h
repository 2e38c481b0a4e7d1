// A training where the rows are: als.train(..., distributed => true).
#pragma once

#include <memory>

#include "core/base/stopwatch.h"
#include "core/train/iterations.h"
#include "pg/distribute/bulk_settings.h"
#include "pg/distribute/citus.h"
#include "pg/distribute/sql_steps.h"
#include "pg/hub/node_packing.h"
#include "pg/server/progress.h"
#include "pg/train/run_record.h"

namespace als::pg {

/// The stages of a training whose ratings stay in tables, in one transaction. This process holds
/// sums that do not grow with the ratings.
///
///   TrainRequest -> Packing -> PartsTrainer, by SqlSteps -> ModelWriter
class DistributedTraining {
 public:
  /// What is given must outlive it; the types of ids are allocated in `context`.
  DistributedTraining(const TrainRequest& request, ModelWriter& model, Progress& progress,
                      MemoryContext context)
      : request_(request), model_(model), progress_(progress), context_(context) {}

  /// The model is locked by now. Leaves the row of the run in SPI_tuptable.
  void run();

 private:
  void find_places();
  int default_parts() const;
  void train_elsewhere();
  void train();
  void prepare_tables();
  void pack();
  void complete_options();
  Bytes start(PartsTraining& training);
  std::unique_ptr<SqlSteps> steps(std::uint32_t slices);
  void iterate();
  void write();
  void write_users();
  void write_items();
  double mean() const { return options_.biases ? report_.mean : 0; }

  const TrainRequest& request_;
  ModelWriter& model_;
  Progress& progress_;
  MemoryContext context_;
  std::optional<DescribedSource> source_;
  TrainOptions options_;
  TrainReport report_;
  SourceSpread spread_;
  std::optional<NodePlaces> places_;  // where the source's partitions are foreign tables
  LocalSettings settings_;
  std::optional<Workspace> workspace_;
  std::unique_ptr<Packing> packing_;
};

/// Throws 0A000 for what such a training cannot do yet.
void check_can_be_distributed(const TrainRequest& request);

}  // namespace als::pg
