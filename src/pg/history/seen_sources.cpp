// Checks what a caller names as seen.
#include "pg/history/seen_sources.h"

#include "pg/sql/spi.h"

namespace als::pg {

RatingSource seen_named(const std::string& text, const Model& model) {
  RatingSource seen = parse_seen(text, model.source);
  // Of a relation that is known without a statement.
  const bool has_columns =
      seen.is_relation && server([&] {
        return get_attnum(seen.table, seen.user_col.c_str()) != InvalidAttrNumber &&
               get_attnum(seen.table, seen.item_col.c_str()) != InvalidAttrNumber;
      });
  if (has_columns) return seen;
  SpiConnection spi;
  try {
    describe_source(seen, CurrentMemoryContext);
  } catch (UserError& error) {
    if (error.sqlstate == ERRCODE_UNDEFINED_COLUMN)
      error.hint = format(
          "Its columns must be named as those of the model's source; a query can rename them: seen "
          "=> 'select buyer as %s, ...'.",
          quoted(seen.user_col).c_str());
    throw;
  }
  spi.finish();
  return seen;
}

}  // namespace als::pg
