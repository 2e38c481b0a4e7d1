// Reads the numbers of items, and keeps ratings on their way to the session's own parts.
#include "pg/steps/packed_ratings.h"

#include <map>

#include "pg/steps/kept_values.h"

namespace als::pg {

namespace {

struct OwnParts {
  std::map<std::int64_t, std::vector<int>> of;  // by training
};

struct RatingsOfUsers {
  UninitializedVector<PackedRating> ratings;
  std::size_t users;  // that have not been taken
};
using KeptRatings = KeptValues<RatingsOfUsers>;

}  // namespace

void own_part(std::int64_t training, int part) {
  kept_to_end<OwnParts>().of[training].push_back(part);
}

const std::vector<int>& own_parts(std::int64_t training) {
  return kept_to_end<OwnParts>().of[training];
}

bool ratings_can_be_kept(std::size_t ratings) {
  return KeptRatings::of_session().has_room(ratings * sizeof(PackedRating));
}

std::uint64_t keep_ratings(UninitializedVector<PackedRating>&& ratings, std::size_t users) {
  const std::size_t bytes = ratings.size() * sizeof(PackedRating);
  return KeptRatings::of_session().keep({std::move(ratings), users}, bytes);
}

void take_ratings(const RatingsHead& head, std::uint64_t first,
                  const std::function<void(const PackedRating*, std::size_t)>& take) {
  KeptRatings& kept = KeptRatings::of_session();
  RatingsOfUsers* found = kept.find(head.kept);
  if (found == nullptr) throw InvalidBytes("ratings are kept by another session");
  const std::size_t size = found->ratings.size();
  if (first > size || head.ratings > size - first)
    throw InvalidBytes("these bytes are no row of ratings");
  take(found->ratings.data() + first, head.ratings);
  if (--found->users == 0) kept.forget(head.kept);
}

SessionNumbers::SessionNumbers(ByteView bytes) {
  while (!bytes.empty()) {
    const auto head = take_off<NumbersHead>(bytes);
    if (head.items > bytes.size() / sizeof(std::uint32_t))
      throw InvalidBytes("these bytes are no numbers of items");
    auto found = std::find_if(sessions_.begin(), sessions_.end(),
                              [&](const Session& of) { return of.session == head.session; });
    if (found == sessions_.end()) found = sessions_.insert(found, {head.session, {}});
    if (head.first != found->numbers.size())
      throw InvalidBytes("the numbers of a session's items are not in order");
    const std::size_t size = head.items * sizeof(std::uint32_t);
    found->numbers.resize(head.first + head.items);
    std::memcpy(found->numbers.data() + head.first, bytes.data(), size);
    bytes.remove_prefix(size);
  }
}

const std::vector<std::uint32_t>& SessionNumbers::of(std::uint64_t session) const {
  for (const Session& of : sessions_)
    if (of.session == session) return of.numbers;
  throw InvalidBytes("ratings that a session has read which is not known");
}

}  // namespace als::pg
