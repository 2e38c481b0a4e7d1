// Reads titles by item id.
#include "pg/report/item_titles.h"

#include "pg/ids/id_args.h"
#include "pg/source/rating_source.h"

namespace als::pg {

std::string utf8_text(const char* text) {
  const char* converted = server([&]() -> const char* {
    return pg_server_to_any(text, static_cast<int>(std::strlen(text)), PG_UTF8);
  });
  return converted;
}

std::vector<std::string> item_titles(const std::string& titles, const IdIndex& ids,
                                     const std::vector<bool>& wanted) {
  RatingSource source = parse_source(titles);
  if (result_columns(prepare("select * from " + source.from_clause()))->natts < 2)
    throw UserError(ERRCODE_INVALID_COLUMN_REFERENCE, "titles has fewer than two columns",
                    "Its first two are item ids and titles: 'select movie_id, title from movies'.");
  SPIPlanPtr plan = prepare("select als_id, als_title::pg_catalog.text from " +
                            source.from_clause() + " (als_id, als_title)");
  Oid id_type = TupleDescAttr(result_columns(plan), 0)->atttypid;
  IdConverter converter = converter_or_throw(id_type, ids.type(), "item", CurrentMemoryContext);
  std::vector<std::string> found(ids.size());
  for_each_row(plan, {}, {InvalidOid, TEXTOID}, [&](TupleTableSlot* slot) {
    if (slot->tts_isnull[0] || slot->tts_isnull[1]) return;
    std::uint32_t index =
        server([&] { return find_converted(ids, converter, slot->tts_values[0]); });
    if (index == IdIndex::kMissing || !wanted[index]) return;
    std::string title = utf8_text(text_value(slot->tts_values[1]).c_str());
    if (found[index].empty() || title < found[index]) found[index] = std::move(title);
  });
  return found;
}

}  // namespace als::pg
