// A new row of a model table.
#pragma once

#include "pg/model/model_writer.h"
#include "pg/options/option_choices.h"
#include "pg/sql/params.h"

namespace als::pg {

/// The row of a run, column by column; columns that are not added are null. The number of the run,
/// its versions and its time come with the insert.
class RunRow {
 public:
  void add(const std::string& column, Param value) {
    columns_.push_back(column);
    values_.push_back(value);
  }

  /// A column for each option, null where none is set; and what of them was chosen.
  void add_options(const OptionChoices& choices, const OptionChoices& chosen);

  /// The source and its columns; where there is none, the columns alone.
  void add_source(const RatingSource& source);

  void add_seen(const std::optional<RatingSource>& seen);
  void add_features(Side side, const RatingSource& features);

  /// Inserts the row, which is left in SPI_tuptable. Throws 55000 if the table did not take it.
  void insert(const ModelWriter& model);

 private:
  void add_factor_tables(const ModelWriter& model);
  void add_named(const std::string& name, const std::optional<RatingSource>& source);
  std::vector<std::string> columns_;
  std::vector<Param> values_;
};

}  // namespace als::pg
