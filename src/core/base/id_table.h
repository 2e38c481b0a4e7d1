// From hashes of ids to dense indexes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <vector>

namespace als {

/// A slot of an open-addressing hash table of 2^k slots, of which at most half are taken.
struct IdSlot {
  static constexpr std::uint32_t kFree = UINT32_MAX;

  std::uint32_t index = kFree;
  std::uint32_t tag = 0;  // of the hash, what does not choose the slot

  static std::uint32_t tag_of(std::uint64_t hash) { return static_cast<std::uint32_t>(hash >> 32); }
};

/// The index of the key with this hash for which equal(index) holds, or IdSlot::kFree.
template <class Equal>
std::uint32_t find_in(const IdSlot* slots, std::size_t n_slots, std::uint64_t hash, Equal&& equal) {
  if (n_slots == 0) return IdSlot::kFree;
  const std::size_t mask = n_slots - 1;
  for (std::size_t s = hash & mask;; s = (s + 1) & mask) {
    const IdSlot& slot = slots[s];
    if (slot.index == IdSlot::kFree) return IdSlot::kFree;
    if (slot.tag == IdSlot::tag_of(hash) && equal(slot.index)) return slot.index;
  }
}

/// Takes a slot for a key.
inline void place_in(IdSlot* slots, std::size_t n_slots, std::uint64_t hash, std::uint32_t index) {
  const std::size_t mask = n_slots - 1;
  std::size_t s = hash & mask;
  while (slots[s].index != IdSlot::kFree) s = (s + 1) & mask;
  slots[s] = {index, IdSlot::tag_of(hash)};
}

/// An open-addressing hash table that numbers keys 0, 1, 2, ... in the order in which they are
/// added. The keys live with the caller, who says by index whether a candidate is the one looked
/// for; so one table serves integers, texts and types that only the server can compare.
class IdTable {
 public:
  static constexpr std::uint32_t kMissing = IdSlot::kFree;

  /// The index of the key with this hash for which equal(index) holds, or kMissing.
  template <class Equal>
  std::uint32_t find(std::uint64_t hash, Equal&& equal) const {
    return find_in(slots_.data(), slots_.size(), hash, equal);
  }

  /// The index of the first key that may be the one with this hash; kMissing if there is none.
  std::uint32_t candidate(std::uint64_t hash) const {
    return find(hash, [](std::uint32_t) { return true; });
  }

  /// Announces that the hash will be looked for.
  void prefetch(std::uint64_t hash) const {
    if (!slots_.empty()) __builtin_prefetch(&slots_[hash & (slots_.size() - 1)]);
  }

  /// Adds a key that find() did not find, and returns its index. poll() is called now and then
  /// while the table grows; it may leave by longjmp if the table is only destroyed after that.
  template <class Poll>
  std::uint32_t add(std::uint64_t hash, Poll&& poll) {
    if (hashes_.size() >= kMissing) throw std::length_error("more than 4294967294 distinct ids");
    if ((hashes_.size() + 1) * 2 > slots_.size()) grow(poll);
    auto index = static_cast<std::uint32_t>(hashes_.size());
    hashes_.push_back(hash);
    place(index);
    return index;
  }

  /// The same for a key that is never looked for here, because the caller has a quicker way.
  template <class Poll>
  std::uint32_t number(std::uint64_t hash, Poll&& poll) {
    if (!slots_.empty()) return add(hash, poll);
    if (hashes_.size() >= kMissing) throw std::length_error("more than 4294967294 distinct ids");
    hashes_.push_back(hash);
    return static_cast<std::uint32_t>(hashes_.size() - 1);
  }

  /// Whether number() has been called for every key.
  bool all_numbered() const { return slots_.empty(); }

  std::size_t size() const { return hashes_.size(); }

  /// The hash of every key, by index.
  const std::vector<std::uint64_t>& hashes() const { return hashes_; }

  std::size_t bytes() const {
    return slots_.capacity() * sizeof(IdSlot) + hashes_.capacity() * sizeof(std::uint64_t);
  }

 private:
  void place(std::uint32_t index) { place_in(slots_.data(), slots_.size(), hashes_[index], index); }

  /// Doubles the slots and places every key anew, in steps between which it polls.
  template <class Poll>
  void grow(Poll&& poll) {
    constexpr std::size_t kStep = std::size_t{1} << 20;
    std::size_t size = std::max<std::size_t>(slots_.size(), 32);
    while ((hashes_.size() + 1) * 2 > size) size *= 2;
    slots_.clear();
    slots_.reserve(size);
    while (slots_.size() < size) {
      slots_.resize(std::min(size, slots_.size() + kStep));
      poll();
    }
    for (std::uint32_t i = 0; i < hashes_.size(); ++i) {
      place(i);
      if (i % kStep == kStep - 1) poll();
    }
  }

  std::vector<IdSlot> slots_;
  std::vector<std::uint64_t> hashes_;
};

}  // namespace als
