// Puts ratings down by file, and sorts files.
#include "pg/steps/row_collector.h"

namespace als::pg {

std::uint32_t RowCollector::add_user() {
  if (users_ == PG_UINT32_MAX)
    ereport(ERROR, (errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("too many users")));
  return users_++;
}

void RowCollector::grow(File& file) {
  const std::size_t capacity =
      file.last == nullptr ? 16 : std::min<std::size_t>(2 * file.last->capacity, kBlock);
  auto* block = static_cast<Block*>(
      MemoryContextAlloc(context_, offsetof(Block, entries) + capacity * sizeof(Collected)));
  block->next = nullptr;
  block->size = 0;
  block->capacity = capacity;
  (file.last == nullptr ? file.first : file.last->next) = block;
  file.last = block;
}

RowCollector::Row RowCollector::row(std::uint32_t user) {
  is_sorted_ = true;
  File& file = files_[user % kFiles];
  const std::uint32_t n = user / kFiles;
  if (file.ends == nullptr) sort(file, (users_ - 1 - user % kFiles) / kFiles + 1);
  const std::size_t begin = n == 0 ? 0 : file.ends[n - 1];
  return {file.sorted + begin, file.ends[n] - begin};
}

/// By counting.
void RowCollector::sort(File& file, std::uint32_t users) {
  auto* ends = static_cast<std::size_t*>(MemoryContextAllocExtended(
      context_, users * sizeof(std::size_t), MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO));
  std::size_t size = 0;
  for (const Block* block = file.first; block != nullptr; block = block->next) {
    size += block->size;
    for (std::size_t e = 0; e < block->size; ++e) ++ends[block->entries[e].user];
  }
  std::size_t begin = 0;
  for (std::uint32_t user = 0; user < users; ++user) {
    const std::size_t n = ends[user];
    ends[user] = begin;
    begin += n;
  }
  file.sorted = static_cast<Entry*>(
      MemoryContextAllocExtended(context_, size * sizeof(Entry), MCXT_ALLOC_HUGE));
  while (file.first != nullptr) {
    Block* block = file.first;
    for (std::size_t e = 0; e < block->size; ++e) {
      const Collected& entry = block->entries[e];
      file.sorted[ends[entry.user]++] = {entry.item, entry.rating};
    }
    file.first = block->next;
    pfree(block);
  }
  file.last = nullptr;
  file.ends = ends;
}

}  // namespace als::pg
