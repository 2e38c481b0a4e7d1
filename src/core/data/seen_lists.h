// What each user has seen, within a given amount of memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "core/base/uninitialized_vector.h"

namespace als {

/// For each user of a range the items that they have seen, as they come: in any order, and as often
/// as they like.
///
/// A list is a chain of chunks, each a line of the processor's cache, so that lists can grow side
/// by side without being moved, and a chunk that is given back serves any other list: at most 4.3
/// bytes an entry and half a chunk a user. When all chunks are taken, duplicates go first; then the
/// last users of the range are given up, to be asked for in a later pass over the same pairs.
class SeenLists {
 public:
  /// The least memory to do with, in bytes.
  static std::size_t min_memory(std::size_t users, std::size_t items);

  /// `max_memory` is at least min_memory(). poll() is called often while chunks are sought; it may
  /// throw, which ends the use of the lists.
  SeenLists(std::size_t users, std::size_t items, std::size_t max_memory,
            std::function<void()> poll);

  /// Empties all lists, and begins those of `first` and the users behind.
  void restart(std::size_t first);

  /// Adds pairs. Users out of range (see end()) and numbers that are none are ignored.
  void add(const std::uint32_t* users, const std::uint32_t* items, std::size_t n);

  /// Whether pairs of this user are kept.
  bool keeps(std::size_t user) const { return user >= first_ && user < end_; }

  /// The first user whose list has been given up: those from the last restart()'s first user up to
  /// here have whole lists.
  std::size_t end() const { return end_; }

  /// Calls visit(item) for what a user has seen, in no particular order, some of it several times.
  template <class Visit>
  void for_each(std::size_t user, const Visit& visit) const {
    std::size_t size = tails_[user].size;
    for (std::uint32_t c = tails_[user].chunk; c != kNone; size = kChunkItems) {
      const Chunk& chunk = at(c);
      for (std::size_t i = 0; i < size; ++i) visit(chunk.items[i]);
      c = chunk.previous;
    }
  }

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  static constexpr std::size_t kChunkItems = 15;
  static constexpr std::size_t kBlockChunks = std::size_t{1} << 14;

  struct alignas(64) Chunk {
    std::uint32_t previous;  // of the list, or of the unused chunks
    std::uint32_t items[kChunkItems];
  };
  /// The last chunk of a list, the only one that may not be full.
  struct Tail {
    std::uint32_t chunk = kNone;
    std::uint32_t size = kChunkItems;
  };

  static std::size_t list_chunks(std::size_t items) {
    return (items + kChunkItems - 1) / kChunkItems;
  }
  /// Bytes beside the chunks.
  static std::size_t overhead(std::size_t users, std::size_t items);

  Chunk& at(std::uint32_t c) const { return blocks_[c / kBlockChunks][c % kBlockChunks]; }
  bool has_unused() const { return unused_ != kNone || taken_ < max_chunks_; }
  std::uint32_t take();
  void append(Tail& tail, std::uint32_t item);
  template <class Visit>
  void dissolve(Tail& tail, const Visit& visit);
  std::size_t deduplicate(Tail& tail);
  void make_room();

  const std::size_t items_;
  const std::size_t max_chunks_;
  const std::function<void()> poll_;
  std::vector<Tail> tails_;  // by user
  std::size_t first_ = 0;
  std::size_t end_ = 0;
  std::vector<std::unique_ptr<Chunk[]>> blocks_;
  std::size_t taken_ = 0;         // chunks ever taken since the last restart
  std::uint32_t unused_ = kNone;  // a chain of those given back
  std::size_t visited_ = 0;       // chunks since poll() was called

  // For deduplicate().
  std::vector<bool> is_listed_;  // by item; all false outside of it
  UninitializedVector<std::uint32_t> distinct_;
};

}  // namespace als
