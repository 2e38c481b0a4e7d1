// From points of a lattice to options in units of the defaults: so the steps have the scale of the
// data.
#include "pg/tune/option_search.h"

#include "pg/options/option_defaults.h"

namespace als::pg {

namespace {

// The first steps: twice or half the regularization, the exponents 0 and 1, and four times or a
// quarter of alpha and of the strength of features. Of explicit feedback the scale is known better
// than of implicit.
constexpr CompassSearch::Dimension kRegularization{4, -20, 12};
constexpr CompassSearch::Dimension kExplicitRegularization{2, -16, 16};
constexpr CompassSearch::Dimension kExponent{2, -2, 2};
constexpr CompassSearch::Dimension kAlpha{4, -16, 6};
constexpr CompassSearch::Dimension kStrength{4, -12, 16};

double regularization_of(int place) { return std::exp2(place / 4.0); }
double exponent_of(int place) { return 0.5 + place / 4.0; }
double alpha_of(int place) { return std::exp2(place / 2.0); }
double strength_of(int place) { return std::exp2(place / 2.0); }

std::vector<CompassSearch::Dimension> dimensions(bool implicit, bool has_features) {
  std::vector<CompassSearch::Dimension> dimensions{kExplicitRegularization, kExponent};
  if (implicit) dimensions = {kAlpha, kRegularization, kExponent};
  if (has_features) dimensions.push_back(kStrength);
  return dimensions;
}

}  // namespace

OptionSearch::OptionSearch(const OptionChoices& common, const RatingStatistics& ratings,
                           bool has_features)
    : common_(common),
      ratings_(ratings),
      implicit_(common.feedback() == Feedback::kImplicit),
      has_features_(has_features),
      search_(dimensions(implicit_, has_features)) {}

/// A good regularization goes with alpha and the exponent, which its default does too.
std::optional<TrainOptions> OptionSearch::next() {
  const std::optional<CompassSearch::Point> point = search_.next();
  if (!point) return std::nullopt;
  OptionChoices choices = common_;
  std::size_t place = 0;
  if (implicit_)
    choices.set(OptionId::kAlpha,
                alpha_of((*point)[place++]) * complete_options(choices, ratings_).alpha);
  const double regularization = regularization_of((*point)[place++]);
  choices.set(OptionId::kRegExponent, exponent_of((*point)[place++]));
  if (has_features_) {
    const TrainOptions defaults = complete_options(choices, ratings_);
    const double times = strength_of((*point)[place]);
    choices.set(OptionId::kFeatureStrength, times * defaults.feature_strength);
    choices.set(OptionId::kUserFeatureStrength, times * defaults.user_feature_strength);
  }
  choices.set(OptionId::kRegularization,
              regularization * complete_options(choices, ratings_).regularization);
  return complete_options(choices, ratings_);
}

}  // namespace als::pg
