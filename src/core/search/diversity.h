// Lists whose items are less alike.
#pragma once

#include <cstddef>
#include <vector>

#include "core/linalg/factor_matrix.h"
#include "core/search/top_k.h"

namespace als {

/// Maximal marginal relevance (Carbonell and Goldstein 1998): the head of a list in another order.
/// The first item stays. Then always that one comes next whose
///
///   (1 - share) * relevance - share * the largest cosine with an item chosen before
///
/// is the largest, ties by the order of the head. Relevance goes from 0, the last score of the
/// head, to 1, the first. So the first places of a list are filled, which are all that anybody
/// looks at; the others stay in order. A share of 0 changes nothing.
struct Diversity {
  double share = 0;  ///< 0 to 1

  /// How many places are filled so, from a head that is ten times as long. It bounds the time,
  /// which is that of 10 n^2 cosines.
  static constexpr std::size_t kPlaces = 500;

  bool is_asked() const { return share > 0; }

  /// The length of the head that a list of k is chosen from.
  std::size_t head(std::size_t k) const;

  /// The k items to list, of a head that is sorted; their scores are as they were. `items` has the
  /// vectors.
  std::vector<ScoredItem> choose(const std::vector<ScoredItem>& head, std::size_t k,
                                 const FactorView& items) const;
};

}  // namespace als
