// Lists of items in linked chunks, which lose their duplicates when memory runs short.
#include "core/data/seen_lists.h"

#include <algorithm>
#include <utility>

namespace als {

std::size_t SeenLists::overhead(std::size_t users, std::size_t items) {
  return users * sizeof(Tail) + items / 8 + items * sizeof(std::uint32_t);
}

// Twice what the list of one user may take, so that half of it is free once duplicates are gone.
std::size_t SeenLists::min_memory(std::size_t users, std::size_t items) {
  return overhead(users, items) + 2 * (list_chunks(items) + 1) * sizeof(Chunk);
}

SeenLists::SeenLists(std::size_t users, std::size_t items, std::size_t max_memory,
                     std::function<void()> poll)
    : items_(items),
      max_chunks_(
          std::min<std::size_t>((max_memory - overhead(users, items)) / sizeof(Chunk), kNone)),
      poll_(std::move(poll)),
      tails_(users),
      end_(users),
      is_listed_(items),
      distinct_(items) {}

void SeenLists::restart(std::size_t first) {
  std::fill(tails_.begin(), tails_.end(), Tail{});
  first_ = first;
  end_ = tails_.size();
  taken_ = 0;
  unused_ = kNone;
}

std::uint32_t SeenLists::take() {
  if (unused_ != kNone) return std::exchange(unused_, at(unused_).previous);
  if (taken_ == blocks_.size() * kBlockChunks) {
    const std::size_t size = std::min(kBlockChunks, max_chunks_ - taken_);
    blocks_.push_back(std::unique_ptr<Chunk[]>(new Chunk[size]));  // without values yet
  }
  return static_cast<std::uint32_t>(taken_++);
}

void SeenLists::append(Tail& tail, std::uint32_t item) {
  if (tail.size == kChunkItems) {
    const std::uint32_t chunk = take();
    at(chunk).previous = tail.chunk;
    tail = {chunk, 0};
  }
  at(tail.chunk).items[tail.size++] = item;
}

void SeenLists::add(const std::uint32_t* users, const std::uint32_t* items, std::size_t n) {
  // Users who come in any order each have their list's end elsewhere in memory: ask early.
  for (std::size_t i = 0; i < n; ++i) {
    if (keeps(users[i])) __builtin_prefetch(&tails_[users[i]]);
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (keeps(users[i]) && tails_[users[i]].chunk != kNone) {
      __builtin_prefetch(&at(tails_[users[i]].chunk));
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    if (!keeps(users[i]) || items[i] >= items_) continue;
    if (tails_[users[i]].size == kChunkItems && !has_unused()) {
      make_room();
      if (!keeps(users[i])) continue;
    }
    append(tails_[users[i]], items[i]);
  }
}

/// Empties a list and gives its chunks back, each after its items have been visited.
template <class Visit>
void SeenLists::dissolve(Tail& tail, const Visit& visit) {
  constexpr std::size_t kPollChunks = 4096;
  std::size_t size = tail.size;
  for (std::uint32_t c = tail.chunk; c != kNone; size = kChunkItems) {
    Chunk& chunk = at(c);
    for (std::size_t i = 0; i < size; ++i) visit(chunk.items[i]);
    const std::uint32_t previous = std::exchange(chunk.previous, unused_);
    unused_ = std::exchange(c, previous);
    if (++visited_ % kPollChunks == 0) poll_();
  }
  tail = Tail{};
}

/// Keeps each item of a list once. Returns the chunks it takes then.
std::size_t SeenLists::deduplicate(Tail& tail) {
  std::size_t n = 0;
  dissolve(tail, [&](std::uint32_t item) {
    if (is_listed_[item]) return;
    is_listed_[item] = true;
    distinct_[n++] = item;
  });
  for (std::size_t i = 0; i < n; ++i) {
    append(tail, distinct_[i]);
    is_listed_[distinct_[i]] = false;
  }
  return list_chunks(n);
}

/// Leaves half of the chunks unused, so that this happens seldom. The list of a single user fits
/// the other half, see min_memory().
void SeenLists::make_room() {
  const std::size_t old_end = end_;
  std::size_t kept = 0;
  for (std::size_t user = first_; user < end_; ++user) {
    kept += deduplicate(tails_[user]);
    if (kept > max_chunks_ / 2) end_ = user;
  }
  for (std::size_t user = end_; user < old_end; ++user) {
    dissolve(tails_[user], [](std::uint32_t) {});
  }
}

}  // namespace als
