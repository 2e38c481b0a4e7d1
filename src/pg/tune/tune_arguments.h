// The arguments of als.tune.
#pragma once

#include "pg/train/holdout_metric.h"
#include "pg/train/train_arguments.h"

namespace als::pg {

/// The arguments of als.tune, checked.
struct TuneRequest {
  RatingSource source;
  std::optional<RatingSource> test;
  FeatureSources features;                           ///< of all trials
  std::optional<std::vector<OptionChoices>> trials;  ///< none: see OptionSearch
  OptionChoices common;                              ///< of all trials
  std::optional<int> trials_at_most;
  HoldoutMetric metric;
  double holdout;
  OnDuplicate on_duplicate;
  std::uint64_t seed;
  int threads;
  bool stop_early;
  double seconds;  ///< after which no trial begins any more
  std::optional<std::string> results;
};

/// Throws 22004 or 22023 for an argument that is null or out of range and for what the grid should
/// not hold, 54000 for too many trials, and what check_features() and parse_source() throw.
TuneRequest tune_request(FunctionCallInfo fcinfo);

}  // namespace als::pg
