// Reads lists of ids.
#include "pg/history/listed_ids.h"

#include "pg/ids/id_args.h"
#include "pg/source/missing_column.h"

namespace als::pg {

ListedIds::ListedIds(const std::string& text, const char* argument,
                     const RatingSource& model_source)
    : argument_(argument), source_(parse_seen(text, model_source)) {
  source_.what = argument;
  TupleDesc columns = result_columns(prepare("select * from " + source_.from_clause()));
  for (int i = 0; i < columns->natts; ++i)
    if (!TupleDescAttr(columns, i)->attisdropped)
      columns_.emplace_back(NameStr(TupleDescAttr(columns, i)->attname));
  told_columns_ = sentence_of_columns(columns);
  const auto has = [&](const std::string& name) {
    return std::find(columns_.begin(), columns_.end(), name) != columns_.end();
  };
  has_pairs_ = has(source_.user_col) && has(source_.item_col);
}

const std::string& ListedIds::column(Side side) const {
  const std::string& name = columns_.size() == 1 ? columns_.front() : source_.id_col(side);
  if (std::find(columns_.begin(), columns_.end(), name) == columns_.end())
    throw UserError(ERRCODE_UNDEFINED_COLUMN,
                    format("%s has no column \"%s\"", argument_, name.c_str()),
                    format("Name the column of the %ss as in the model's source, or select it "
                           "alone: 'select ... from ...'.",
                           side_name(side)),
                    told_columns_);
  return name;
}

std::vector<std::uint32_t> ListedIds::read(Side side, const LoadedFactors& known) const {
  SPIPlanPtr plan = prepare("select " + quoted(column(side)) + " from " + source_.from_clause());
  const Oid type = TupleDescAttr(result_columns(plan), 0)->atttypid;
  IdConverter converter =
      converter_or_throw(type, known.type(), side_name(side), CurrentMemoryContext);
  std::vector<std::uint32_t> rows;
  for_each_row(plan, {}, {type}, [&](TupleTableSlot* slot) {
    if (slot->tts_isnull[0]) return;
    const std::uint32_t row =
        server([&] { return find_converted(known.ids(), converter, slot->tts_values[0]); });
    if (row != IdIndex::kMissing) rows.push_back(row);
  });
  std::sort(rows.begin(), rows.end());
  rows.erase(std::unique(rows.begin(), rows.end()), rows.end());
  return rows;
}

}  // namespace als::pg
