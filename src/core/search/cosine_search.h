// The rows whose direction is most like a query's, without looking at all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/base/bitmap.h"
#include "core/kernels/cosine_block.h"
#include "core/search/found_rows.h"

namespace als {

struct CosineHeader;

/// Finds exactly what taking the cosines of all rows and keeping the best k would: the same rows in
/// the same order with the same bits, but looks closely at few of them.
///
/// Lengths say nothing of cosines. So rows are made unit vectors, rotated into the eigenvectors of
/// their own Gram matrix, and dealt out to blocks of 16 that are alike in the first few components,
/// by halving them again and again at the median of the one that differs most. What these
/// components and the norms of the others are between, in a block, bounds the cosines of all its
/// rows. What that does not rule out is looked at by digits: 2 bits of each component, and the norm
/// of what they are off by; then two bits more, and two more; then the row itself.
///
/// Memory is what such a search waits for, where rows are many: this reads some 1.3 bytes a row for
/// the blocks, 26 for rows of those blocks that are left, and 17 more where any of 16 is.
///
/// All this is in an image, as that of TopKSearch is.
class CosineSearch {
 public:
  /// The size of an image.
  static std::size_t bytes(std::size_t rows, std::size_t factors);

  /// Fills an image. Calls `poll` every few milliseconds; it may throw.
  static void build(const FactorView& rows, void* image, const std::function<void()>& poll);

  /// `rows` as the image was built from them; at any SIMD level. Both must stay.
  CosineSearch(const void* image, const FactorView& rows);

  /// The k best by score = cosine(query, row), ties by lower index. `query` has as many components
  /// as rows. Rows in `excluded`, if not null, are left out.
  std::vector<ScoredItem> best(const float* query, std::size_t k, const Bitmap* excluded) const;

 private:
  CosineQuery prepare(const float* query, double square) const;

  OrderedRows ordered_;
  const float* rotation_;
  const CosineHeader* header_;
  CosineRows prepared_;
};

}  // namespace als
