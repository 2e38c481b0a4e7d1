// What als.tune tries where nobody has said what.
#pragma once

#include <optional>

#include "core/data/rating_statistics.h"
#include "core/tune/compass_search.h"
#include "pg/options/option_choices.h"

namespace als::pg {

/// The defaults first, and then options around them, which lie where those before have been better.
/// What `common` says stays as it is.
class OptionSearch {
 public:
  OptionSearch(const OptionChoices& common, const RatingStatistics& ratings, bool has_features);

  /// The options to be tried next; nothing at the end. tell() must come between two calls.
  std::optional<TrainOptions> next();

  /// What these options were worth, more being better; not a number: nothing.
  void tell(double value) { search_.tell(value); }

  /// About as many trials as a search takes.
  static constexpr int kTypicalTrials = 30;

 private:
  const OptionChoices common_;
  const RatingStatistics ratings_;
  const bool implicit_;
  const bool has_features_;
  CompassSearch search_;
};

}  // namespace als::pg
