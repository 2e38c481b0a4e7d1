// The arguments of als.train.
#pragma once

#include "core/data/duplicates.h"
#include "core/train/options.h"
#include "pg/source/rating_source.h"

namespace als::pg {

/// The arguments of als.train, checked.
struct TrainRequest {
  std::string model;
  RatingSource source;
  TrainOptions options;
  OnDuplicate on_duplicate;
  double holdout;  ///< the share of each user's ratings kept out, 0 to 0.99
  int threads;
  bool replace;
  bool warm_start;  ///< from the factors that the model has
  bool unlogged;
};

inline constexpr int kMaxIterations = 10000;

/// Options as they are asked for. What is left open hangs on the feedback and on other options.
struct OptionChoices {
  TrainOptions options;  ///< but for those below
  std::optional<double> regularization = {};
  std::optional<double> reg_exponent = {};
  std::optional<double> alpha = {};
  std::optional<bool> biases = {};
};

/// Fills in what was left open. Throws 22023 for options that do not go together.
TrainOptions complete_options(const OptionChoices& choices);

/// The argument `on_duplicate`, or the default of the kind of feedback where it is null.
OnDuplicate on_duplicate_arg(FunctionCallInfo fcinfo, int index, Feedback feedback);

Feedback feedback_arg(FunctionCallInfo fcinfo, int index);
const char* feedback_name(Feedback feedback);

/// The place of a solver in this is its number.
inline constexpr const char* kSolverNames[] = {"auto", "direct", "cg"};

/// The three columns of a source. Throws 22004 for a user_col or item_col that is null.
void columns_from(FunctionCallInfo fcinfo, int user_col, int item_col, int rating_col,
                  RatingSource& source);

/// Throws 22004 or 22023 for an argument that is null or out of range, 42P01 or 42809 for a source
/// that is missing or cannot be read.
TrainRequest train_request(FunctionCallInfo fcinfo);

}  // namespace als::pg
