// A run of a training, and its row in the model table.
#pragma once

#include "pg/model/model_writer.h"
#include "pg/train/train_arguments.h"

namespace als::pg {

/// What a finished training has to tell besides the factors.
struct TrainReport {
  std::int64_t rows = 0;
  std::int64_t skipped = 0;
  std::int64_t duplicates = 0;
  std::int64_t ratings = 0;
  std::int64_t users = 0;
  std::int64_t items = 0;
  std::int64_t refined = 0;
  double mean = 0;
  double spread = 0;
  std::optional<double> damping;    ///< of items' mean ratings: explicit feedback only
  std::pair<float, float> range{};  ///< of the ratings
  bool cg = false;                  ///< solved by conjugate gradients
  bool warm_started = false;
  std::int64_t held_out = 0;
  std::vector<double> loss;     ///< after each iteration
  std::vector<double> holdout;  ///< the metric of the ratings kept out, likewise
  double read_seconds = 0;
  double train_seconds = 0;
  double write_seconds = 0;
  std::string advice;  ///< what would serve, or find, more
  int parts = 0;       ///< of a distributed training

  /// Of a side that has features.
  struct OfFeatures {
    Oid weights = InvalidOid;   ///< their table
    std::string columns;        ///< what was made of each, as JSON
    std::int64_t new_rows = 0;  ///< that have features and no ratings
  };
  BySide<OfFeatures> features;
};

/// Adds the row of this run, trained with these options, to the model table; it is left in
/// SPI_tuptable.
void write_model_row(const ModelWriter& store, const TrainRequest& request,
                     const TrainOptions& trained, const TrainReport& report);

}  // namespace als::pg
