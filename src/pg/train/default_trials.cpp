// Options around the defaults, in units of them: so the ranges have the scale of the data.
#include "pg/train/default_trials.h"

#include "pg/options/option_defaults.h"

namespace als::pg {

namespace {

/// Parts of the defaults.
struct Trial {
  double regularization;  ///< of the default for this alpha and exponent
  double alpha;
  double reg_exponent;
};

// The ridges of rows of few and of many ratings are further apart with a larger exponent.
constexpr Trial kExplicitTrials[] = {
    {1, 1, 0.5},    {0.7, 1, 0.5}, {1.5, 1, 0.5}, {1, 1, 0.7}, {1, 1, 1},
    {1.5, 1, 0.7},  {0.7, 1, 0.7}, {1.5, 1, 1},   {1, 1, 0.3}, {2.2, 1, 0.5},
    {0.45, 1, 0.5}, {0.7, 1, 1},   {1.5, 1, 0.3}, {2.2, 1, 1},
};

// A good regularization goes with alpha, which its default does too.
constexpr Trial kImplicitTrials[] = {
    {1, 1, 0.5},      {1, 0.25, 0.5},   {0.5, 1, 0.5},     {1.6, 1, 0.5},    {1, 2.5, 0.5},
    {0.5, 0.25, 0.5}, {1.6, 0.25, 0.5}, {1, 0.06, 0.5},    {1, 1, 1},        {0.5, 2.5, 0.5},
    {0.25, 1, 0.5},   {1, 0.25, 1},     {1.6, 0.06, 0.5},  {1.6, 2.5, 0.5},  {0.5, 0.06, 0.5},
    {1.6, 1, 1},      {0.5, 1, 1},      {0.25, 0.25, 0.5}, {0.25, 2.5, 0.5}, {1, 0.06, 1},
    {2.6, 1, 0.5},    {1, 0.015, 0.5},  {1, 0.25, 0},      {0.5, 0.25, 0},
};

OptionChoices choices_for(const Trial& trial, const OptionChoices& common,
                          const RatingStatistics& ratings) {
  OptionChoices choices = common;
  choices.set(OptionId::kRegExponent, trial.reg_exponent);
  if (common.feedback() == Feedback::kImplicit)
    choices.set(OptionId::kAlpha, trial.alpha * complete_options(choices, ratings).alpha);
  choices.set(OptionId::kRegularization,
              trial.regularization * complete_options(choices, ratings).regularization);
  return choices;
}

}  // namespace

std::vector<OptionChoices> default_trials(const OptionChoices& common,
                                          const RatingStatistics& ratings) {
  std::vector<OptionChoices> trials;
  const auto add = [&](const auto& table) {
    for (const Trial& trial : table) trials.push_back(choices_for(trial, common, ratings));
  };
  if (common.feedback() == Feedback::kImplicit)
    add(kImplicitTrials);
  else
    add(kExplicitTrials);
  return trials;
}

}  // namespace als::pg
