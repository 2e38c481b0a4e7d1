// The loop of a search: scores what its bounds do not rule out.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/bitmap.h"
#include "core/kernels/search_block.h"
#include "core/linalg/factor_matrix.h"
#include "core/search/top_k.h"

namespace als {

/// Rows in the order in which a search looks at them.
struct OrderedRows {
  FactorView rows;
  const std::uint32_t* order;  ///< by position: index of the row

  /// Asks for a row early.
  void fetch(std::size_t position) const {
    const float* row = rows.row(order[position]);
    for (std::size_t c = 0; c < rows.stride; c += kBlock) __builtin_prefetch(row + c, 0, 3);
  }
};

/// Offers the rows that are found and not excluded. find(found) finds the next ones that may score
/// as much as the least of the best, score(row) scores one.
template <class Find, class Score>
void offer_found(const OrderedRows& ordered, const Bitmap* excluded, TopK& top, const Find& find,
                 const Score& score) {
  FoundRows found;
  for (;;) {
    find(&found);
    if (found.count == 0) return;
    std::size_t count = 0;
    for (std::size_t n = 0; n < found.count; ++n) {
      const std::uint32_t position = found.positions[n];
      if (position >= ordered.rows.rows) continue;  // the last block may not be full
      if (excluded != nullptr && (*excluded)[ordered.order[position]]) continue;
      ordered.fetch(position);
      found.positions[count++] = position;
    }
    for (std::size_t n = 0; n < count; ++n) {
      const std::uint32_t row = ordered.order[found.positions[n]];
      top.offer(row, score(row));
    }
  }
}

/// The best k of the rows that are found and not excluded. k of all rows reach `floor`.
/// find(least, found) finds the next rows that may score at least so much, score(row) scores one.
template <class Find, class Score>
std::vector<ScoredItem> best_of_found(const OrderedRows& ordered, std::size_t k,
                                      const Bitmap* excluded, float floor, const Find& find,
                                      const Score& score) {
  if (k == 0) return {};
  TopK top(k);
  offer_found(
      ordered, excluded, top, [&](FoundRows* found) { find(std::max(top.least(), floor), found); },
      score);
  return top.take();
}

}  // namespace als
