// The defaults of a training's options, and which options go together.
#include "pg/options/option_defaults.h"

#include <algorithm>

#include "core/base/limits.h"

namespace als::pg {

namespace {

// All numbers here were chosen by measurement, see docs/choosing-options.md.

constexpr double kImplicitAlpha = 40;

// Of features. What users have not rated weighs on implicit items of few ratings.
constexpr double kImplicitStrength = 1;
constexpr double kExplicitStrength = 0.3;

// What all users have in common draws each towards the mean user, and lists towards what is
// popular: by a strength of 1 a random number as their feature costs 2 % of the recall. Of explicit
// feedback biases know what is popular.
constexpr double kImplicitUserStrength = 0.1;

/// What alpha times a rating is on average.
double mean_confidence(double alpha, const RatingStatistics& ratings) {
  return alpha * ratings.mean_size;
}

/// Users of many ratings tell by what they have left out, too: the more of them, the less weight is
/// good for a rating. But not where items belong together. And a long tail of large counts must not
/// leave the others without weight.
double default_alpha(const RatingStatistics& ratings) {
  constexpr double kManyRatings = 20;
  const double enough = kManyRatings * std::max(ratings.lift, 1.0);
  const double share = std::min(1.0, enough / std::max(ratings.ratings_per_user, 1.0));
  return kImplicitAlpha * share / ratings.root_mean_square;
}

/// Without biases the vectors carry the mean as well, which must not be lost where ratings are few.
double default_exponent(const TrainOptions& options) {
  return options.feedback == Feedback::kExplicit && !options.biases ? 1 : 0.5;
}

/// Iterations that leave nothing to gain on held-out ratings. Direct solutions are not
/// over-relaxed, and vectors that carry the mean as well have a longer way to go.
int default_iterations(const TrainOptions& options) {
  const bool slow = options.solver == Solver::kDirect || options.nonnegative ||
                    (options.feedback == Feedback::kExplicit && !options.biases);
  return slow ? 15 : 8;
}

/// With r -> c r, which is c times the spread, the vectors x and y become sqrt(c) times as long. So
/// a lambda that is c times as large leaves all but the scale as it is. And a good lambda depends
/// on the exponent: whatever that is, a row of a middling weight, of 144 ratings, has the ridge
/// that proved good. And all weights w -> c w change nothing.
double explicit_regularization(double exponent, const RatingStatistics& ratings) {
  return ratings.spread * 14.4 / std::pow(144, exponent) *
         std::pow(ratings.mean_weight, 1 - exponent);
}

/// The fewer ratings there are, and the fewer of each user and of each item, the less of what they
/// tell beyond popularity is more than chance. Unless items belong together, as they tell too.
double shrinkage_of_few(const RatingStatistics& ratings, double lift) {
  constexpr double kEnough = 4000;
  constexpr double kMost = 2.5;
  const double evidence =
      std::sqrt(ratings.ratings * ratings.ratings_per_user * ratings.ratings_per_item);
  const double shrinkage = std::pow(kEnough / std::max(evidence, 1.0), 0.25) / (lift * lift);
  return std::clamp(shrinkage, 1.0, kMost);
}

/// Here every item has a weight in a user's row, and 40,000 is a middling one. Where items belong
/// together there is much to learn, which a large ridge would drown. The larger the weights of
/// ratings, the more they add to both sides of the scale.
double implicit_regularization(double exponent, double alpha, const RatingStatistics& ratings) {
  constexpr double kMaxLift = 30;
  const double lift = std::clamp(ratings.lift, 1.0, kMaxLift);
  constexpr double kMinConfidence = 1e-3;
  const double confidence =
      std::max(mean_confidence(alpha, ratings) / kImplicitAlpha, kMinConfidence);
  return shrinkage_of_few(ratings, lift) * 500 * std::pow(lift, -0.7) * std::pow(confidence, 0.7) /
         std::pow(40000, exponent);
}

// What factors, the root of a rating, and their products with ratings leave of the range of single
// precision.
constexpr double kMinSpread = 1e-20;
constexpr double kMaxSpread = 1e20;

void check_spread(double spread) {
  if (spread >= kMinSpread && spread <= kMaxSpread) return;
  throw UserError(
      ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
      format("the ratings are too %s for factors in single precision",
             spread > 1 ? "large" : "small"),
      format("Use a query as the source that %s them.", spread > 1 ? "divides" : "multiplies"),
      format("Their standard deviation, %g, must be between %g and %g.", spread, kMinSpread,
             kMaxSpread));
}

/// A number that is left open has its default, or what comes nearest to that of what the option can
/// be: the model's row, which keeps it, is checked as arguments are.
double chosen_number(const OptionChoices& choices, OptionId id, double by_default) {
  return choices.number(id, std::clamp(by_default, option(id).min, option(id).max));
}

TrainOptions complete(const OptionChoices& choices, const RatingStatistics& ratings) {
  choices.check_feedback();
  TrainOptions options;
  options.feedback = choices.feedback();
  const bool implicit = options.feedback == Feedback::kImplicit;
  options.factors = static_cast<int>(choices.integer(OptionId::kFactors, options.factors));
  if (implicit) options.alpha = chosen_number(choices, OptionId::kAlpha, default_alpha(ratings));
  options.biases = choices.flag(OptionId::kBiases, !implicit);
  options.reg_exponent = choices.number(OptionId::kRegExponent, default_exponent(options));
  const double exponent = options.reg_exponent;
  options.regularization =
      chosen_number(choices, OptionId::kRegularization,
                    implicit ? implicit_regularization(exponent, options.alpha, ratings)
                             : explicit_regularization(exponent, ratings));
  // Biases have the scale of the ratings themselves, and their ridge has none.
  options.bias_regularization = chosen_number(choices, OptionId::kBiasRegularization,
                                              options.regularization / ratings.spread);
  options.nonnegative = choices.flag(OptionId::kNonnegative, options.nonnegative);
  options.tolerance = choices.number(OptionId::kTolerance, options.tolerance);
  options.seed = static_cast<std::uint64_t>(
      choices.integer(OptionId::kSeed, static_cast<std::int64_t>(options.seed)));
  options.feature_regularization =
      choices.number(OptionId::kFeatureRegularization, options.feature_regularization);
  options.feature_strength =
      choices.number(OptionId::kFeatureStrength, implicit ? kImplicitStrength : kExplicitStrength);
  options.user_feature_strength = choices.number(
      OptionId::kUserFeatureStrength, implicit ? kImplicitUserStrength : kExplicitStrength);
  options.new_item_shrinkage = choices.number(OptionId::kNewItemShrinkage, 0);
  // In single precision, as ridges are.
  if (options.new_item_shrinkage > 0 && static_cast<float>(options.regularization) == 0)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    "new_item_shrinkage is for a regularization above 0", "Leave one of them out.",
                    "Against a ridge of 0 it would shrink new items to nothing.");
  options.solver = static_cast<Solver>(choices.integer(OptionId::kSolver, 0));
  options.iterations =
      static_cast<int>(choices.integer(OptionId::kIterations, default_iterations(options)));
  if (options.nonnegative && options.solver == Solver::kConjugateGradients)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    "conjugate gradients cannot keep factors from below zero",
                    "Leave solver out, or use nonnegative => false.");
  if (choices[OptionId::kBiasRegularization] && !options.biases)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    "bias_regularization is for models with biases",
                    "Leave bias_regularization out, or use biases => true.");
  return options;
}

}  // namespace

TrainOptions complete_options(const OptionChoices& choices, const RatingStatistics& ratings) {
  if (choices.feedback() == Feedback::kExplicit) check_spread(ratings.spread);
  return complete(choices, ratings);
}

TrainOptions provisional_options(const OptionChoices& choices) { return complete(choices, {}); }

OptionChoices without_defaults(OptionChoices choices) {
  OptionChoices defaults = choices_of(TrainOptions{}, OnDuplicate::kAverage);
  defaults.set(OptionId::kHoldout, 0.0);
  for (const Option& option : kOptionTable) {
    const OptionId id = id_of(option);
    if (!option.is(Option::kNullable) && choices[id] == defaults[id]) choices.leave_open(id);
  }
  return choices;
}

}  // namespace als::pg
