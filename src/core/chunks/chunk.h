// The ratings of some thousands of users of one part, packed once and read in every step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <tuple>
#include <vector>

#include "core/base/thread_team.h"
#include "core/data/ratings.h"
#include "core/pieces/bytes.h"

namespace als {

/// Sums go over the chunks of a part in the order of their numbers, and over the parts in the order
/// of theirs: so the bits of a training depend on how users are dealt out to parts and chunks, not
/// on the machines that those lie on.
struct ChunkId {
  std::uint32_t part;
  std::uint32_t number;  ///< within the part

  friend bool operator==(ChunkId a, ChunkId b) { return a.part == b.part && a.number == b.number; }
  friend bool operator<(ChunkId a, ChunkId b) {
    return std::tie(a.part, a.number) < std::tie(b.part, b.number);
  }
};

/// As HoldoutRule, which has the keys of all items.
struct ChunkHoldout {
  double share;
  std::uint64_t seed;
  std::vector<std::uint64_t> user_keys;  ///< by canonical index in the chunk
  std::function<std::uint64_t(std::uint32_t item)> item_key;
};

/// The same ratings twice, as each step reads them one way alone.
struct PackedChunk {
  Bytes by_user;
  Bytes by_item;
  Bytes held_out;          ///< see held_out.h; empty without a rule
  std::size_t duplicates;  ///< ratings merged away
};

/// Number, mean and sum of squared differences from the mean of some ratings.
struct RatingMoments {
  std::uint64_t count = 0;
  double mean = 0;
  double squares = 0;

  void add(const RatingMoments& other);
  double spread() const;  ///< as Ratings::spread()
};

/// What is in a chunk, read from the first bytes of either half (kChunkFactsBytes are enough).
struct ChunkFacts {
  ChunkId id;
  std::uint32_t users;
  std::uint32_t items;  ///< of the training
  RatingMoments moments;
};
inline constexpr std::size_t kChunkFactsBytes = 128;
ChunkFacts facts_of_chunk(ByteView chunk);

/// A number by which halves of different contents differ, from the same bytes: to tell whether one
/// is unpacked already. Wrong ones do no harm but a wrong result.
std::uint64_t fingerprint_of_chunk(ByteView chunk);

}  // namespace als
