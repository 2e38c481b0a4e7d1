// What als.tune tries where nobody has said what.
#pragma once

#include <vector>

#include "core/data/rating_statistics.h"
#include "pg/options/option_choices.h"

namespace als::pg {

/// The defaults first, and then options around them, the most promising ones early. What `common`
/// says stays as it is.
std::vector<OptionChoices> default_trials(const OptionChoices& common,
                                          const RatingStatistics& ratings);

}  // namespace als::pg
