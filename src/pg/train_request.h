// The arguments of als.train.
#pragma once

#include "core/options.h"
#include "pg/rating_source.h"

namespace als::pg {

/// The arguments of als.train, checked.
struct TrainRequest {
  std::string model;
  RatingSource source;
  TrainOptions options;
  OnDuplicate on_duplicate;
  double holdout;    ///< the share of each user's ratings kept out, 0 to 0.99
  double tolerance;  ///< stop when an iteration lowers the loss by less than this part; 0: never
  int threads;
  bool replace;
  bool warm_start;  ///< from the factors that the model has
  bool unlogged;
};

/// Throws 22004 or 22023 for an argument that is null or out of range, 42P01 or 42809 for a source
/// that is missing or cannot be read.
TrainRequest train_request(FunctionCallInfo fcinfo);

}  // namespace als::pg
