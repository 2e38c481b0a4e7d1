// The defaults of a training's options.
#pragma once

#include "pg/options/option_choices.h"

namespace als::pg {

/// Fills in what was left open. Throws 22023 for options that do not go together.
TrainOptions complete_options(const OptionChoices& choices);

}  // namespace als::pg
