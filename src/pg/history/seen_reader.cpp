// The query for a source's pairs of user and item, by the numbers that the model has for them.

#include "pg/history/seen_reader.h"

#include "pg/ids/id_args.h"

namespace als::pg {

namespace {
constexpr std::uint64_t kRowsPerBlock = std::uint64_t{1} << 16;
}

void SeenReader::add_source(const RatingSource& source) {
  Source added{};
  added.plan = prepare("select " + quoted(source.user_col) + ", " + quoted(source.item_col) +
                       " from " + source.from_clause());
  TupleDesc columns = result_columns(added.plan);
  added.user_type = TupleDescAttr(columns, 0)->atttypid;
  added.item_type = TupleDescAttr(columns, 1)->atttypid;
  added.user_converter =
      converter_or_throw(added.user_type, model_users_.type(), "user", CurrentMemoryContext);
  added.item_converter =
      converter_or_throw(added.item_type, model_items_.type(), "item", CurrentMemoryContext);
  sources_.push_back(added);
}

/// Runs inside the executor: whatever may throw is guarded, and that is not each row.
void SeenReader::add(TupleTableSlot* slot) {
  if (static_cast<std::uint64_t>(++rows_) % kRowsPerBlock == 0) guard([&] { (*on_rows_)(); });
  if (slot->tts_isnull[0] || slot->tts_isnull[1]) return;
  std::uint32_t user =
      find_converted(model_users_.ids(), source_->user_converter, slot->tts_values[0]);
  if (!lists_->keeps(user)) return;
  std::uint32_t item =
      find_converted(model_items_.ids(), source_->item_converter, slot->tts_values[1]);
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
  for (Source& source : sources_) {
    source_ = &source;
    stream_rows(
        source.plan, {}, {source.user_type, source.item_type},
        [](void* reader, TupleTableSlot* slot) { static_cast<SeenReader*>(reader)->add(slot); },
        this);
    flush();
  }
}

}  // namespace als::pg
