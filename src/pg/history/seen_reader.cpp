// The query for a source's pairs of user and item, by the numbers that the model has for them.

#include "pg/history/seen_reader.h"

#include "pg/ids/id_args.h"

namespace als::pg {

namespace {
constexpr std::uint64_t kRowsPerBlock = std::uint64_t{1} << 16;
}

SeenReader::SeenReader(const RatingSource& source, const LoadedFactors& users,
                       const LoadedFactors& items)
    : model_users_(users), model_items_(items), source_(source) {
  SourceNames names(source_);
  plan_ = prepare("select " + quoted(source.user_col) + ", " + quoted(source.item_col) + " from " +
                  source.from_clause());
  names.end();
  TupleDesc columns = result_columns(plan_);
  user_type_ = TupleDescAttr(columns, 0)->atttypid;
  item_type_ = TupleDescAttr(columns, 1)->atttypid;
  user_converter_ = converter_or_throw(user_type_, users.type(), "user", CurrentMemoryContext);
  item_converter_ = converter_or_throw(item_type_, items.type(), "item", CurrentMemoryContext);
}

/// Runs inside the executor: whatever may throw is guarded, and that is not each row.
void SeenReader::add(TupleTableSlot* slot) {
  if (static_cast<std::uint64_t>(++rows_) % kRowsPerBlock == 0) guard([&] { (*on_rows_)(); });
  if (slot->tts_isnull[0] || slot->tts_isnull[1]) return;
  std::uint32_t user = find_converted(model_users_.ids(), user_converter_, slot->tts_values[0]);
  if (!lists_->keeps(user)) return;
  std::uint32_t item = find_converted(model_items_.ids(), item_converter_, slot->tts_values[1]);
  if (item == IdIndex::kMissing) return;
  users_[size_] = user;
  items_[size_] = item;
  if (++size_ == kBatch) guard([&] { flush(); });
}

void SeenReader::flush() {
  lists_->add(users_, items_, size_);
  size_ = 0;
}

void SeenReader::read(SeenLists& lists, const std::function<void()>& on_rows) {
  lists_ = &lists;
  on_rows_ = &on_rows;
  SourceNames names(source_);
  stream_rows(
      plan_, {}, {user_type_, item_type_},
      [](void* reader, TupleTableSlot* slot) { static_cast<SeenReader*>(reader)->add(slot); },
      this);
  names.end();
  flush();
}

}  // namespace als::pg
