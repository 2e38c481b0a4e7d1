// Lists with places that are kept for new items.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/search/batch_recommender.h"
#include "core/search/top_k.h"

namespace als {

/// Keeps a share of the places of each list for new items. Which places is a matter of the user and
/// the seed: of k places it is always share * k of them, rounded up for some users and down for the
/// others, so that each place is as likely as any other. The n-th of them gets one of the 10 n new
/// items that are best for the user, drawn at random; the items of the list move down by one each
/// time. So everything of a list of k is the beginning of a longer one.
struct Exploration {
  double share = 0;  ///< 0 to 1
  std::uint64_t seed = 0;

  bool is_asked() const { return share > 0; }

  /// How many of the best new items a list of k is drawn from.
  std::size_t head(std::size_t k) const;

  /// k items of both: `list` and `new_items` are best first, and may have items in common.
  /// user_key: a hash of the user's id.
  std::vector<ScoredItem> mix(const std::vector<ScoredItem>& list,
                              const std::vector<ScoredItem>& new_items, std::size_t k,
                              std::uint64_t user_key) const;

  /// The same for the lists of many users, who are in one order in both.
  std::vector<Recommendation> mix_all(
      const std::vector<Recommendation>& lists, const std::vector<Recommendation>& new_items,
      std::size_t k, const std::function<std::uint64_t(std::uint32_t user)>& key_of) const;
};

}  // namespace als
