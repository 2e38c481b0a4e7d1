// The query for ratings, and what becomes of each of its rows.

#include "pg/source/rating_reader.h"

#include "pg/server/cluster_table.h"
#include "pg/server/memory_context.h"
#include "pg/source/rating_error.h"
#include "pg/source/rating_weight.h"
#include "pg/sql/array_elements.h"

namespace als::pg {

namespace {
constexpr std::uint64_t kRowsPerBlock = RatingBuffer::kBlockEntries / 16;
}

double RatingReader::rating(Datum value) const {
  switch (source_.rating_kind) {
    case RatingKind::kNone:
      return 1;
    case RatingKind::kBool:
      return DatumGetBool(value) ? 1 : 0;
    case RatingKind::kInt2:
      return DatumGetInt16(value);
    case RatingKind::kInt4:
      return DatumGetInt32(value);
    case RatingKind::kInt8:
      return static_cast<double>(DatumGetInt64(value));
    case RatingKind::kFloat4:
      return DatumGetFloat4(value);
    case RatingKind::kFloat8:
      return DatumGetFloat8(value);
  }
  return 0;
}

/// Runs inside the executor: whatever may throw is guarded, and that is not each row.
void RatingReader::add(const Datum* values, const bool* nulls) {
  if (static_cast<std::uint64_t>(++rows_) % kRowsPerBlock == 0) guard([&] { (*on_block_)(); });
  if (nulls[0] || nulls[1] || nulls[2]) {
    ++skipped_;
    return;
  }
  double value = rating(values[2]);
  auto single = static_cast<float>(value);
  if (!std::isfinite(single))
    guard([&] { throw_rating_not_finite(source_.id_types, values[0], values[1], value); });
  Batch& batch = *batch_;
  float& weight = batch.weights[batch.users.size()];
  if (source_.weight_col) {
    const NullableDatum read{values[3], nulls[3]};
    bool counts = false;
    guard([&] { counts = weigh(source_, values, read, single, weight); });
    if (!counts) {
      ++skipped_;
      return;
    }
  }
  batch.values[batch.users.size()] = single;
  batch.users.add(values[0]);
  batch.items.add(values[1]);
  if (batch.users.size() == IdBatch::kSize) guard([&] { look_up(); });
}

/// A user, the items and the ratings, which have no weights then.
void RatingReader::add_packed(const Datum* values, const bool* nulls) {
  const ArrayElements items = array_elements(values[1]);
  const ArrayElements ratings = array_elements(values[2]);
  for (int i = 0; i < items.n; ++i) {
    const Datum row[] = {values[0], items.values[i], ratings.values[i], 0};
    const bool row_nulls[] = {nulls[0], items.nulls[i], ratings.nulls[i], true};
    add(row, row_nulls);
  }
}

void RatingReader::look_up() {
  Batch& batch = *batch_;
  std::uint32_t users[IdBatch::kSize];
  std::uint32_t items[IdBatch::kSize];
  std::size_t n = batch.users.size();
  const float* weights = source_.has_weights() ? batch.weights : nullptr;
  if (known_ == nullptr) {
    users_.find_or_add(batch.users.ids(), n, users);
    items_.find_or_add(batch.items.ids(), n, items);
    buffer_.append(users, items, batch.values, n, weights);
  } else {
    for (std::size_t i = 0; i < n; ++i) {
      users[i] = known_->users_.find(batch.users.ids()[i]);
      items[i] = known_->items_.find(batch.items.ids()[i]);
      if (users[i] != IdDictionary::kMissing && items[i] != IdDictionary::kMissing)
        buffer_.append(users + i, items + i, batch.values + i, 1,
                       weights == nullptr ? nullptr : weights + i);
    }
  }
  batch.users.clear();
  batch.items.clear();
}

std::string RatingReader::rating_as_read() const {
  return (source_.rating_col ? quoted(*source_.rating_col) : "1") +
         (source_.cast_rating ? "::pg_catalog.float8" : "");
}

std::string RatingReader::query() const {
  return "select " + quoted(source_.user_col) + ", " + quoted(source_.item_col) + ", " +
         rating_as_read() + (source_.weight_col ? ", " + source_.weight_as_float8() : "") +
         " from " + source_.rows_that_count();
}

/// What comes from other nodes is put aside until all is there. A row for each user takes less than
/// half the room and the time, and the nodes that have the users put theirs together.
bool RatingReader::comes_packed() const {
  return !source_.time_col && !source_.weight_col && server([&] {
    return is_distributed_by(source_.table, source_.user_col.c_str()) &&
           OidIsValid(get_array_type(source_.id_types.items->oid));
  });
}

std::string RatingReader::packed_query() const {
  const std::string user = quoted(source_.user_col);
  return "select " + user + ", pg_catalog.array_agg(" + quoted(source_.item_col) +
         "), pg_catalog.array_agg(" + rating_as_read() + ") from " + source_.from_clause() +
         " group by " + user;
}

void RatingReader::read(const std::function<void()>& on_block) {
  SourceNames names(source_);
  if (comes_packed()) {
    const Oid items = server([&] { return get_array_type(source_.id_types.items->oid); });
    const Oid ratings = server([&] { return get_array_type(source_.rating_type); });
    read(
        prepare(packed_query()), {}, {source_.id_types.users->oid, items, ratings},
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
  SourceNames names(source_);
  read_rows(prepare(query() + " where " + condition, {param.type}), {param}, on_block);
  names.end();
}

void RatingReader::read_rows(SPIPlanPtr plan, std::initializer_list<Param> params,
                             const std::function<void()>& on_block) {
  std::vector<Oid> types{source_.id_types.users->oid, source_.id_types.items->oid,
                         source_.rating_type};
  if (source_.weight_col) types.push_back(FLOAT8OID);
  read(
      plan, params, types,
      [](void* reader, TupleTableSlot* slot) {
        static_cast<RatingReader*>(reader)->add(slot->tts_values, slot->tts_isnull);
      },
      on_block);
}

void RatingReader::read(SPIPlanPtr plan, std::initializer_list<Param> params,
                        const std::vector<Oid>& types, RowFunction on_row,
                        const std::function<void()>& on_block) {
  on_block();
  OwnedMemoryContext copies("als ids of a batch");
  Batch batch{
      {source_.id_types.users, copies.get()}, {source_.id_types.items, copies.get()}, {}, {}};
  batch_ = &batch;
  on_block_ = &on_block;
  stream_rows(plan, params, types, on_row, this);
  server([&] { guard([&] { look_up(); }); });
}

}  // namespace als::pg
