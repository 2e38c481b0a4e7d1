// The defaults of a training's options.
#pragma once

#include "core/data/rating_statistics.h"
#include "pg/options/option_choices.h"

namespace als::pg {

/// Fills in what was left open, by what is known of the ratings. Throws 22023 for options that do
/// not go together, 22003 for ratings beyond the range of single precision.
TrainOptions complete_options(const OptionChoices& choices, const RatingStatistics& ratings);

/// The same as far as can be said before the ratings are read: all but the regularization and
/// alpha.
TrainOptions provisional_options(const OptionChoices& choices);

/// Leaves open what has the value that als.train gives it by default, whatever the data: a row
/// records the rest as chosen.
OptionChoices without_defaults(OptionChoices choices);

}  // namespace als::pg
