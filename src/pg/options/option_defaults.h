// The defaults of a training's options.
#pragma once

#include "pg/options/option_choices.h"

namespace als::pg {

/// Fills in what was left open. Throws 22023 for options that do not go together.
TrainOptions complete_options(const OptionChoices& choices);

/// Leaves open what has the value that als.train gives it by default, whatever the data: a row
/// records the rest as chosen.
OptionChoices without_defaults(OptionChoices choices);

}  // namespace als::pg
