// The best rows for a query, without looking at all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/base/bitmap.h"
#include "core/kernels/search_block.h"
#include "core/search/found_rows.h"

namespace als {

struct SearchHeader;

/// Finds exactly what scoring all rows and keeping the best k would: the same rows in the same
/// order with the same bits, but looks closely at few of them.
///
/// The rows are rotated into the eigenvectors of their Gram matrix, where the first few components
/// hold most of a vector, and sorted by what they can score at most, the largest first. The
/// products of those components, and by Cauchy and Schwarz the norms of what lies beyond, bound a
/// row's score from above. A row is scored only where its bound reaches the k-th best score so far,
/// and the search ends where no bound can.
///
/// All this is in an image: bytes at any address that is a multiple of 64, without a pointer, so
/// that processes can share it. The rows themselves stay where the caller has them. A search
/// changes nothing: any number of threads may use one.
class TopKSearch {
 public:
  /// Whether it is quicker to score each of `n` rows than to search all. A search looks at some of
  /// every 16 rows, a score takes a few times as long as such a look.
  static bool is_slower_than_scoring(std::size_t n, std::size_t rows) { return n < rows / 16; }

  /// The size of an image.
  static std::size_t bytes(std::size_t rows, std::size_t factors);

  /// Fills an image. `bias` has one for each row, or is null. Calls `poll` every few
  /// milliseconds; it may throw.
  static void build(const FactorView& rows, const float* bias, void* image,
                    const std::function<void()>& poll);

  /// `rows` and `bias` as the image was built from them; at any SIMD level. All must stay.
  TopKSearch(const void* image, const FactorView& rows, const float* bias);

  /// The k best by score = (base + bias) + query . row, ties by lower index. `query` has rows.cols
  /// floats. Rows in `excluded`, if not null, are left out.
  std::vector<ScoredItem> best(const float* query, float base, std::size_t k,
                               const Bitmap* excluded) const;

  /// The score of one row.
  float score(const float* query, float base, std::uint32_t row) const;

  const FactorView& rows() const { return ordered_.rows; }

  /// Y^T Y of the rows, laid out as NormalEquations::matrix().
  const float* gram() const { return gram_; }

 private:
  SearchQuery prepare(const float* query) const;
  float seed_threshold(const float* query, const SearchQuery& prepared, std::size_t k,
                       const Bitmap* excluded) const;

  OrderedRows ordered_;
  const float* bias_;
  const float* gram_;
  const float* rotation_;
  const SearchHeader* header_;
  SearchRows prepared_;
};

}  // namespace als
