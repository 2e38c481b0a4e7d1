// The query for ratings, and what becomes of each of its rows.

#include "pg/source/rating_reader.h"

#include "pg/server/cluster_table.h"
#include "pg/sql/array_elements.h"
#include "pg/sql/heap_rows.h"

namespace als::pg {

namespace {
constexpr std::uint64_t kRowsPerBlock = RatingBuffer::kBlockEntries / 16;
}  // namespace

void RatingReader::take(const Datum* values, const bool* nulls) {
  if (static_cast<std::uint64_t>(rows() + 1) % kRowsPerBlock == 0) guard([&] { (*on_block_)(); });
  add(values, nulls);
}

/// A user, the items and the ratings, which have no weights then.
void RatingReader::add_packed(const Datum* values, const bool* nulls) {
  const ArrayElements items = array_elements(values[1]);
  const ArrayElements ratings = array_elements(values[2]);
  for (int i = 0; i < items.n; ++i) {
    const Datum row[] = {values[0], items.values[i], ratings.values[i], 0};
    const bool row_nulls[] = {nulls[0], items.nulls[i], ratings.nulls[i], true};
    take(row, row_nulls);
  }
}

std::string RatingReader::query() const {
  return "select " + quoted(source().user_col) + ", " + quoted(source().item_col) + ", " +
         source().rating_as_read() +
         (source().weight_col ? ", " + source().weight_as_float8() : "") + " from " +
         source().rows_that_count();
}

/// What comes from other nodes is put aside until all is there. A row for each user takes less than
/// half the room and the time, and the nodes that have the users put theirs together.
bool RatingReader::comes_packed() const {
  return !source().time_col && !source().weight_col && server([&] {
    return is_distributed_by(source().table, source().user_col.c_str()) &&
           OidIsValid(get_array_type(source().id_types.items->oid));
  });
}

std::string RatingReader::packed_query() const {
  const std::string user = quoted(source().user_col);
  return "select " + user + ", pg_catalog.array_agg(" + quoted(source().item_col) +
         "), pg_catalog.array_agg(" + source().rating_as_read() + ") from " +
         source().from_clause() + " group by " + user;
}

void RatingReader::read(const std::function<void()>& on_block) {
  SourceNames names(source());
  if (comes_packed()) {
    const Oid items = server([&] { return get_array_type(source().id_types.items->oid); });
    const Oid ratings = server([&] { return get_array_type(source().rating_type); });
    read(
        prepare(packed_query()), {}, {source().id_types.users->oid, items, ratings},
        [](void* reader, TupleTableSlot* slot) {
          static_cast<RatingReader*>(reader)->add_packed(slot->tts_values, slot->tts_isnull);
        },
        on_block);
  } else {
    read_rows(prepare(query()), {}, on_block);
  }
  names.end();
}

void RatingReader::read(const std::function<void()>& on_block, const char* condition,
                        const Param& param) {
  SourceNames names(source());
  read_rows(prepare(query() + " where " + condition, {param.type}), {param}, on_block);
  names.end();
}

void RatingReader::read_rows(SPIPlanPtr plan, std::initializer_list<Param> params,
                             const std::function<void()>& on_block) {
  std::vector<Oid> types{source().id_types.users->oid, source().id_types.items->oid,
                         source().rating_type};
  if (source().weight_col) types.push_back(FLOAT8OID);
  read(
      plan, params, types,
      [](void* reader, TupleTableSlot* slot) {
        static_cast<RatingReader*>(reader)->take(slot->tts_values, slot->tts_isnull);
      },
      on_block);
}

void RatingReader::read(SPIPlanPtr plan, std::initializer_list<Param> params,
                        const std::vector<Oid>& types, RowFunction on_row,
                        const std::function<void()>& on_block) {
  on_block();
  on_block_ = &on_block;
  read_numbers(source(), [&] {
    if (params.size() == 0)
      stream_many_rows(plan, types, on_row, this);
    else
      stream_rows(plan, params, types, on_row, this);
  });
  finish();
}

}  // namespace als::pg
