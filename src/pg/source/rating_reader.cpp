// The query for ratings, and what becomes of each of its rows.

#include "pg/source/rating_reader.h"

#include "pg/server/memory_context.h"

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

void RatingReader::refuse(const Datum* values, double rating) const {
  const char* user = server([&] { return id_text(*source_.id_types.users, values[0]); });
  const char* item = server([&] { return id_text(*source_.id_types.items, values[1]); });
  throw UserError(
      ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
      format("the rating of user %s for item %s is %s", user, item,
             std::isnan(rating)   ? "NaN"
             : std::isinf(rating) ? "infinite"
                                  : format("%g, beyond single precision", rating).c_str()),
      "Ratings must be finite numbers: correct the row, or leave it out by training "
      "on a query.");
}

/// Runs inside the executor: whatever may throw is guarded, and that is not each row.
void RatingReader::add(TupleTableSlot* slot) {
  const Datum* values = slot->tts_values;
  const bool* nulls = slot->tts_isnull;
  if (static_cast<std::uint64_t>(++rows_) % kRowsPerBlock == 0) guard([&] { (*on_block_)(); });
  if (nulls[0] || nulls[1] || nulls[2]) {
    ++skipped_;
    return;
  }
  double value = rating(values[2]);
  auto single = static_cast<float>(value);
  if (!std::isfinite(single)) guard([&] { refuse(values, value); });
  Batch& batch = *batch_;
  batch.values[batch.users.size()] = single;
  batch.users.add(values[0]);
  batch.items.add(values[1]);
  if (batch.users.size() == IdBatch::kSize) guard([&] { look_up(); });
}

void RatingReader::look_up() {
  Batch& batch = *batch_;
  std::uint32_t users[IdBatch::kSize];
  std::uint32_t items[IdBatch::kSize];
  std::size_t n = batch.users.size();
  if (known_ == nullptr) {
    users_.find_or_add(batch.users.ids(), n, users);
    items_.find_or_add(batch.items.ids(), n, items);
    buffer_.append(users, items, batch.values, n);
  } else {
    for (std::size_t i = 0; i < n; ++i) {
      users[i] = known_->users_.find(batch.users.ids()[i]);
      items[i] = known_->items_.find(batch.items.ids()[i]);
      if (users[i] != IdDictionary::kMissing && items[i] != IdDictionary::kMissing)
        buffer_.append(users[i], items[i], batch.values[i]);
    }
  }
  batch.users.clear();
  batch.items.clear();
}

std::string RatingReader::query() const {
  std::string rating = source_.rating_col ? quoted(*source_.rating_col) : "1";
  if (source_.cast_rating) rating += "::pg_catalog.float8";
  return "select " + quoted(source_.user_col) + ", " + quoted(source_.item_col) + ", " + rating +
         " from " + source_.rows_that_count();
}

void RatingReader::read(const std::function<void()>& on_block) {
  SourceNames names(source_);
  read(prepare(query()), {}, on_block);
  names.end();
}

void RatingReader::read(const std::function<void()>& on_block, const char* condition,
                        const Param& param) {
  SourceNames names(source_);
  read(prepare(query() + " where " + condition, {param.type}), {param}, on_block);
  names.end();
}

void RatingReader::read(SPIPlanPtr plan, std::initializer_list<Param> params,
                        const std::function<void()>& on_block) {
  on_block();
  OwnedMemoryContext copies("als ids of a batch");
  Batch batch{{source_.id_types.users, copies.get()}, {source_.id_types.items, copies.get()}, {}};
  batch_ = &batch;
  on_block_ = &on_block;
  stream_rows(
      plan, params, {source_.id_types.users->oid, source_.id_types.items->oid, source_.rating_type},
      [](void* reader, TupleTableSlot* slot) { static_cast<RatingReader*>(reader)->add(slot); },
      this);
  server([&] { guard([&] { look_up(); }); });
}

}  // namespace als::pg
