// What a model's newest run was asked for.
#pragma once

#include "pg/model/model.h"
#include "pg/options/option_choices.h"

namespace als::pg {

struct RecordedRun {
  OptionChoices options;  ///< those that were chosen; the others had their defaults
  bool has_source;
  std::string user_col;
  std::string item_col;
  std::optional<std::string> rating_col;
  std::optional<std::string> weight_col;
  std::optional<std::string> seen;
  BySide<std::optional<std::string>> features;
  bool distributed = false;  ///< trained where the rows are, in so many parts
  std::optional<int> parts;
};

/// Read as the caller, under the active snapshot, within an SPI connection; nothing where the model
/// holds no run. Runs of als 1.0 did not record what was chosen: all of their options count as
/// chosen, but for the solver. Throws 55000 for options that training cannot have written.
std::optional<RecordedRun> recorded_run(Oid model);

}  // namespace als::pg
