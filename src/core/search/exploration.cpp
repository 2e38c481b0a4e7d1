// Places are counted out with a start that the user and the seed decide.
#include "core/search/exploration.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "core/base/splitmix.h"

namespace als {
namespace {

// New items to draw from for each place.
constexpr std::size_t kNewHead = 10;

/// Random numbers from a seed.
class Draws {
 public:
  explicit Draws(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() { return splitmix(state_ += kSplitmixStep); }

  /// A number below n.
  std::size_t below(std::size_t n) {
    return static_cast<std::size_t>(unit_of(next()) * static_cast<double>(n));
  }

 private:
  std::uint64_t state_;
};

/// The next run of rows of one user, from `begin` on, as a list.
std::vector<ScoredItem> take_list(const std::vector<Recommendation>& rows, std::uint32_t user,
                                  std::size_t& begin) {
  std::vector<ScoredItem> list;
  for (; begin < rows.size() && rows[begin].user == user; ++begin)
    list.push_back({rows[begin].item, rows[begin].score});
  return list;
}

}  // namespace

std::size_t Exploration::head(std::size_t k) const {
  if (!is_asked()) return 0;
  const double most = std::ceil(share * static_cast<double>(k)) * kNewHead;
  return static_cast<std::size_t>(std::min(most, 1e18));
}

std::vector<ScoredItem> Exploration::mix(const std::vector<ScoredItem>& list,
                                         const std::vector<ScoredItem>& new_items, std::size_t k,
                                         std::uint64_t user_key) const {
  Draws draws(splitmix(seed + kSplitmixStep) ^ user_key);
  const double start = unit_of(draws.next());
  std::vector<ScoredItem> mixed;
  std::unordered_set<std::uint32_t> is_listed;
  const auto put = [&](const ScoredItem& scored) {
    if (is_listed.insert(scored.item).second) mixed.push_back(scored);
  };
  std::vector<ScoredItem> pool;
  std::size_t in_pool = 0;  // of the new items, with those that have left it
  std::size_t in_list = 0;
  double places = 0;  // kept so far
  while (mixed.size() < k) {
    const std::size_t before = mixed.size();
    const double kept = std::floor(share * static_cast<double>(before + 1) + start);
    if (kept > places) {
      places = kept;
      const std::size_t end = std::min(in_pool + kNewHead, new_items.size());
      pool.insert(pool.end(), new_items.begin() + static_cast<std::ptrdiff_t>(in_pool),
                  new_items.begin() + static_cast<std::ptrdiff_t>(end));
      in_pool = end;
      while (mixed.size() == before && !pool.empty()) {
        std::swap(pool[draws.below(pool.size())], pool.back());
        put(pool.back());
        pool.pop_back();
      }
    }
    while (mixed.size() == before && in_list < list.size()) put(list[in_list++]);
    if (mixed.size() == before) break;
  }
  return mixed;
}

std::vector<Recommendation> Exploration::mix_all(
    const std::vector<Recommendation>& lists, const std::vector<Recommendation>& new_items,
    std::size_t k, const std::function<std::uint64_t(std::uint32_t user)>& key_of) const {
  std::vector<Recommendation> rows;
  rows.reserve(lists.size());
  for (std::size_t begin = 0, begin_new = 0; begin < lists.size();) {
    const std::uint32_t user = lists[begin].user;
    const std::vector<ScoredItem> list = take_list(lists, user, begin);
    std::int32_t rank = 0;
    for (const ScoredItem& scored :
         mix(list, take_list(new_items, user, begin_new), k, key_of(user)))
      rows.push_back({user, scored.item, scored.score, ++rank});
  }
  return rows;
}

}  // namespace als
