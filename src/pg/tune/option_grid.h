// The options that als.tune can try, and the JSON object that says which.
#pragma once

#include "core/tune/hyperparameter_space.h"
#include "pg/options/option_choices.h"
#include "pg/sql/json_value.h"

namespace als::pg {

/// An object of option => values: {"factors": [32, 64], "regularization": {"min": 0.01, "max": 1,
/// "scale": "log"}, "iterations": 20}.
class OptionGrid {
 public:
  static constexpr int kMaxTrials = 1000;

  /// Throws 22023 for an option that als.tune does not vary, and for a value that the option cannot
  /// have.
  explicit OptionGrid(const JsonValue& grid);

  /// All combinations or, where `trials` has a value, so many random ones. What the grid does not
  /// name is as in `common`. Throws 22023 for a range without `trials` and for options that do not
  /// go together, 54000 for too many.
  std::vector<OptionChoices> trials(std::optional<int> trials, const OptionChoices& common) const;

 private:
  std::vector<const Option*> options_;
  HyperparameterSpace space_;
};

}  // namespace als::pg
