// The search for directions, and why its bounds hold.
#include "core/search/cosine_search.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/uninitialized_vector.h"
#include "core/kernels/kernels.h"
#include "core/linalg/products.h"
#include "core/search/cosine_layout.h"

// The bounds. x and y are directions, p and q what the rotation makes of them as it was computed,
// p1 and q1 their first components, p2 and q2 those of the suffix, p3 and q3 what lies beyond; a
// prime marks what codes stand for. Then
//
//   cosine(x, y)  <=  p1'.q1' + |p23| |q23| + |p1| |q1 - q1'| + slack
//   cosine(x, y)  <=  p1'.q1' + p2'.q2' + |p2| |q2 - q2'| + |p3| |q3| + |p1| |q1 - q1'| + slack
//
// In both, |p1| |q1 - q1'| may be half of kPrefixUnit times the sum of the magnitudes of p1 as well:
// each code is off by half of one at most. That is less where one component has most of the query.
//
// The slack is that of top_k_search.cpp: directions are no longer than 1, and what the query is
// rounded by to 16-bit integers is covered by its 7 / kIntegerNorm. The cosine itself and a
// direction are rounded once each. |p23| and |q23| are rounded up to codes, so the first line is
// one product of integers; and of no row of a block is it larger than
//
//   sum over the codes of  max(p', 0) * (the largest q') + min(p', 0) * (the smallest q').

namespace als {
namespace {

// A code is half of one off but for the rounding of a quotient of up to 126; then 16 components are
// summed up and multiplied.
constexpr float kPrefixRoundings = 512;

/// A norm in integers, from above.
std::int16_t norm_code(float norm) {
  return static_cast<std::int16_t>(std::ceil(norm * kIntegerNorm * (1 + 4 * kUnit)));
}

}  // namespace

std::size_t CosineSearch::bytes(std::size_t rows, std::size_t factors) {
  return CosineLayout(rows, factors).places.size;
}

CosineSearch::CosineSearch(const void* image, const FactorView& rows) {
  const CosineLayout layout(rows.rows, rows.cols);
  header_ = part_of<CosineHeader>(image, layout.header);
  rotation_ = part_of<float>(image, layout.rotation);
  ordered_ = {rows, part_of<std::uint32_t>(image, layout.order)};
  prepared_ = {part_of<CosinePrefixes>(image, layout.largest),
               part_of<CosinePrefixes>(image, layout.smallest),
               part_of<CosinePrefixes>(image, layout.prefixes),
               part_of<CosineSuffixes>(image, layout.suffixes), layout.block_count};
}

CosineQuery CosineSearch::prepare(const float* query, double square) const {
  const FactorView& rows = ordered_.rows;
  alignas(64) float rotated[kMaxFactors] = {};
  write_direction(query, rows.cols, square, rotated);
  kernels().transform(rotated, 1, rows.stride, rows.cols, rotation_);

  constexpr std::size_t kKnown = kCosinePrefix + kCosineSuffix;
  const std::size_t n = rows.stride;
  CosineQuery prepared{};
  round_components(rotated, n, 0, kCosinePrefix, kIntegerNorm, prepared.components);
  std::copy_n(prepared.components, kCosinePrefix, prepared.prefix);
  prepared.prefix[kCosinePrefix] = norm_code(norm_above(rotated, kCosinePrefix, n));
  for (std::size_t k = 0; k <= kCosinePrefix; ++k) {
    prepared.above_zero[k] = std::max<std::int16_t>(prepared.prefix[k], 0);
    prepared.below_zero[k] = std::min<std::int16_t>(prepared.prefix[k], 0);
  }
  round_components(rotated, n, kCosinePrefix, kCosineSuffix, kIntegerNorm, prepared.suffix);
  prepared.suffix[kCosineSuffix] = norm_code(norm_above(rotated, kKnown, n));
  prepared.prefix_scale = kPrefixUnit / kIntegerNorm;
  prepared.suffix_scale = 1 / kIntegerNorm;
  prepared.suffix_norm = norm_above(rotated, kCosinePrefix, std::min(kKnown, n));
  const std::size_t known = std::min(kCosinePrefix, n);
  float magnitudes = 0;
  for (std::size_t k = 0; k < known; ++k) magnitudes += std::fabs(rotated[k]);
  prepared.slack = slack_of(rows.cols) +
                   std::min(norm_above(rotated, 0, known) * header_->prefix_error * (1 + 4 * kUnit),
                            magnitudes * (kPrefixUnit / 2) * (1 + kPrefixRoundings * kUnit));
  return prepared;
}

std::vector<ScoredItem> CosineSearch::best(const float* query, std::size_t k,
                                           const Bitmap* excluded) const {
  const Kernels& current = kernels();
  const FactorView& rows = ordered_.rows;
  const double square = dot_in_double(query, query, rows.cols);
  const bool is_finite = std::isfinite(square);
  const auto score = [&](std::uint32_t row) {
    double product;
    double row_square;
    current.cosine_products(query, rows.row(row), rows.cols, &product, &row_square);
    return cosine(product, square, row_square);
  };
  constexpr float kNothing = -std::numeric_limits<float>::infinity();
  const CosineQuery prepared = prepare(query, square);
  UninitializedVector<std::int32_t> bounds(blocks_of(prepared_.block_count) * kBlock);
  std::int32_t promising[kBlock];
  current.bound_cosine_blocks(prepared_, prepared, bounds.data(), promising);

  // A search that knew nothing at first would look closely at many rows before it had seen good
  // ones. The best of a few blocks with high bounds are good ones.
  std::size_t seed = 0;
  const auto find_seeds = [&](float least, FoundRows* found) {
    for (found->count = 0; found->count == 0 && seed < kBlock; ++seed) {
      found->next_block = static_cast<std::size_t>(promising[seed]) + seed;
      const std::size_t end = std::min(found->next_block + 1, prepared_.block_count);
      current.find_cosines(prepared_, prepared, bounds.data(), end, least, found);
    }
  };
  float floor = kNothing;
  if (is_finite) {
    const std::vector<ScoredItem> good =
        best_of_found(ordered_, k, excluded, kNothing, find_seeds, score);
    if (k > 0 && good.size() == k) floor = good.back().score;
  }
  return best_of_found(
      ordered_, k, excluded, floor,
      [&](float least, FoundRows* found) {
        current.find_cosines(prepared_, prepared, bounds.data(), prepared_.block_count,
                             is_finite ? least : kNothing, found);
      },
      score);
}

}  // namespace als
