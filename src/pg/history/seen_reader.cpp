// The query for a source's pairs of user and item, by the numbers that the model has for them.

#include "pg/history/seen_reader.h"

#include "pg/ids/id_args.h"
#include "pg/sql/heap_rows.h"

namespace als::pg {

namespace {
constexpr std::uint64_t kRowsPerBlock = std::uint64_t{1} << 16;
}

void SeenReader::add_source(const RatingSource& source) { add_source({source, {}}, ""); }

void SeenReader::add_source(const DescribedSource& source, RatingSums& sums) {
  Source added{source, {}};
  added.described = &source;
  added.sums = &sums;
  add_source(std::move(added), ", " + source.rating_as_read());
}

void SeenReader::add_source(Source added, const std::string& more_columns) {
  const Side what = other_side(whom_);
  added.query = "select " + quoted(added.named.id_col(whom_)) + ", " +
                quoted(added.named.id_col(what)) + more_columns + " from " +
                added.named.from_clause();
  SourceNames names(added.named);
  TupleDesc columns = result_columns(prepare(added.query));
  names.end();
  for (int i = 0; i < columns->natts; ++i)
    added.types.push_back(TupleDescAttr(columns, i)->atttypid);
  for (std::size_t i : {0, 1}) {
    added.converters[i] =
        converter_or_throw(added.types[i], (i == 0 ? listed_ : in_lists_).type(),
                           side_name(i == 0 ? whom_ : what), CurrentMemoryContext);
  }
  sources_.push_back(std::move(added));
}

/// Runs inside the executor: whatever may throw is guarded, and that is not each row.
void SeenReader::add(TupleTableSlot* slot) {
  if (static_cast<std::uint64_t>(++rows_) % kRowsPerBlock == 0) guard([&] { (*on_rows_)(); });
  if (slot->tts_isnull[0] || slot->tts_isnull[1]) return;
  const bool is_rated = source_->sums != nullptr && !slot->tts_isnull[2];
  std::uint32_t user = find_converted(listed_.ids(), source_->converters[0], slot->tts_values[0]);
  const bool is_kept = lists_->keeps(user);
  if (!is_kept && !is_rated) return;
  std::uint32_t item = find_converted(in_lists_.ids(), source_->converters[1], slot->tts_values[1]);
  if (item == IdIndex::kMissing) return;
  if (is_rated) source_->sums->add(item, source_->described->rating_number(slot->tts_values[2]));
  if (!is_kept) return;
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
    SourceNames names(source.named);
    stream_many_rows(
        prepare(source.query), source.types,
        [](void* reader, TupleTableSlot* slot) { static_cast<SeenReader*>(reader)->add(slot); },
        this);
    names.end();
    flush();
    source.sums = nullptr;
  }
}

}  // namespace als::pg
