// Ratings on their way from the rows of a source to chunks, as bytes.
#pragma once

#include <algorithm>
#include <functional>
#include <vector>

#include "core/base/splitmix.h"
#include "core/base/uninitialized_vector.h"
#include "pg/steps/bytea_bytes.h"

namespace als::pg {

/// Items go by the numbers that the session gave them which has read the rows: what one session has
/// of a user is this head, and its ratings or, where these stay in the session, their place there.
/// What several have is put one behind the other.
struct RatingsHead {
  std::uint64_t session;
  std::uint64_t ratings;
  std::uint64_t kept;  ///< the number of what the session keeps, see keep_ratings(), or 0
};
struct PackedRating {
  std::uint32_t item;
  float rating;
};

/// Says that this session makes the chunks of a part of a training.
void own_part(std::int64_t training, int part);

/// Those of a training, in no order.
const std::vector<int>& own_parts(std::int64_t training);

/// Whether this session has room for so many, see KeptValues.
bool ratings_can_be_kept(std::size_t ratings);

/// Keeps the ratings of so many users for chunks that this session will make. Returns the number
/// that RatingsHead::kept names them by.
std::uint64_t keep_ratings(UninitializedVector<PackedRating>&& ratings, std::size_t users);

/// Hands those of one user to take(ratings, n); once all have been taken, nothing is kept of them.
/// first: where they begin. Throws InvalidBytes.
void take_ratings(const RatingsHead& head, std::uint64_t first,
                  const std::function<void(const PackedRating*, std::size_t)>& take);

/// Numbers of the training for some of a session's, from `first` on. They follow this head.
struct NumbersHead {
  std::uint64_t session;
  std::uint64_t first;
  std::uint64_t items;
};

/// Which of so many buckets the id of a key belongs to. Not the key's own bits, by which an engine
/// may have spread the rows already.
inline std::int64_t bucket_of(std::uint64_t key, std::int64_t buckets) {
  return static_cast<std::int64_t>(splitmix(key + kSplitmixStep) %
                                   static_cast<std::uint64_t>(buckets));
}

/// Which of so many shards Citus has for an id with this hash of its type: each has an equal share
/// of the hashes, in ascending order.
inline std::uint64_t shard_of(std::int32_t hash, std::uint64_t shards) {
  const std::uint64_t above_least = static_cast<std::uint32_t>(hash) ^ 0x80000000U;
  return std::min(above_least / ((std::uint64_t{1} << 32) / shards), shards - 1);
}

/// Takes a T off some bytes. Throws InvalidBytes where there are less.
template <class T>
T take_off(ByteView& bytes) {
  T value;
  if (bytes.size() < sizeof(value)) throw InvalidBytes("these bytes end too early");
  std::memcpy(&value, bytes.data(), sizeof(value));
  bytes.remove_prefix(sizeof(value));
  return value;
}

/// The numbers of all sessions.
class SessionNumbers {
 public:
  /// Of such bytes, one behind the other, those of each session in order. Throws InvalidBytes.
  explicit SessionNumbers(ByteView bytes);

  /// Of one session: throws InvalidBytes for one that is not there.
  const std::vector<std::uint32_t>& of(std::uint64_t session) const;

 private:
  struct Session {
    std::uint64_t session;
    std::vector<std::uint32_t> numbers;
  };
  std::vector<Session> sessions_;
};

}  // namespace als::pg
