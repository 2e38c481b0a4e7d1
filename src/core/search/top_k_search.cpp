// The search itself: the bounds, why they hold, and the loop over what they leave.
#include "core/search/top_k_search.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <limits>

#include "core/base/limits.h"
#include "core/kernels/kernels.h"
#include "core/linalg/products.h"
#include "core/search/search_layout.h"

// The bounds. x is the query, y a row, R the rotation, p = R^T x and q = R^T y as they were
// computed, p' and q' their first components (prefix, or prefix and suffix) rounded to integers
// times a scale, p" and q" the components after those. N is the largest norm in the row's block.
// Then
//
//   x.y as dot() computes it  <=  p'.q' + |p"| |q"| + slack |x| N.
//
// The slack is the sum of these, with u = 2^-24, the rounding error of an operation, and g = (n +
// 2) u, that of a sum of n products in any order, with fused multiply-adds or without, so that it
// does not matter at which SIMD level the image was built:
//
//   g                 dot() itself, as a part of |x| |y|;
//   3 u sqrt(n)       R is orthogonal but for the rounding of its entries to single precision:
//                     |R R^T - 1| <= 2 u sqrt(n), and x.y = (R^T x).(R^T y) but for that;
//   2.1 g sqrt(n)     p and q are each off by at most g | |R| |x| | <= g sqrt(n) |x|, as |R| has
//                     the norm sqrt(n);
//   7 / kIntegerNorm  rounding m = 46 components to integers is an error of at most 0.505 sqrt(m)
//                     times the scale, which is |x| / kIntegerNorm or N / kIntegerNorm;
//   64 u              the operations of the bound itself, none of which has operands larger than
//                     |x| N.
//
// The norms are taken in double precision and rounded up. The score is then rounded sums of the
// same terms, which are monotone: (base + bias) + bound is not below (base + bias) + dot.
// Underflow adds at most n 2^-126 even where denormal numbers are flushed to zero: no norm being
// less than kMinNorm, the slack is larger. Comparisons are such that what is not a number rules
// nothing out.
//
// A block is evaluated first by the upper_bound of its rows, b + c |y|: with X = |x| (1 + slack),
//
//   b + x.y  <=  b + X |y|  <=  upper_bound + max(X - c, 0) |y|,
//
// and since rows come in the order of their upper_bound, this ends the search when it is low for
// the norms of all later rows. Its terms can cancel, so its errors are 8 u times their magnitudes.

namespace als {
namespace {

// The seed threshold comes from so many groups of so many blocks, the first in the order of rows.
// Of each group there is the best row in each of 16 places, and of all those the best are scored:
// so many, or a few times k.
constexpr std::size_t kSeedGroups = 4;
constexpr std::size_t kGroupBlocks = 64;
constexpr std::size_t kSeeds = 64;

}  // namespace

std::size_t TopKSearch::bytes(std::size_t rows, std::size_t factors) {
  return SearchLayout(rows, factors).places.size;
}

TopKSearch::TopKSearch(const void* image, const FactorView& rows, const float* bias)
    : ordered_{rows, nullptr}, bias_(bias) {
  const SearchLayout layout(rows.rows, rows.cols);
  gram_ = part_of<float>(image, layout.gram);
  rotation_ = part_of<float>(image, layout.rotation);
  header_ = part_of<SearchHeader>(image, layout.header);
  ordered_.order = part_of<std::uint32_t>(image, layout.order);
  prepared_ = {part_of<BlockBound>(image, layout.bounds),
               part_of<SearchBlock>(image, layout.blocks),
               part_of<SearchSuffix>(image, layout.suffixes), layout.block_count};
}

/// All but `base` and `bound_base`. The scale is infinite where no bound can be trusted.
SearchQuery TopKSearch::prepare(const float* query) const {
  SearchQuery prepared{};
  const float norm = trusted_norm(query, rows().cols);
  prepared.scale = norm / kIntegerNorm;
  if (std::isinf(norm)) return prepared;

  alignas(64) float rotated[kMaxFactors];
  std::copy_n(query, rows().cols, rotated);
  std::fill(rotated + rows().cols, rotated + rows().stride, 0.0F);
  kernels().transform(rotated, 1, rows().stride, rows().cols, rotation_);
  const float inverse_scale = 1 / prepared.scale;
  round_components(rotated, rows().stride, 0, kPrefix, inverse_scale, prepared.prefix);
  round_components(rotated, rows().stride, kPrefix, kSuffix, inverse_scale, prepared.suffix);
  prepared.prefix_rest = norm_above(rotated, kPrefix, rows().stride);
  prepared.suffix_rest = norm_above(rotated, kPrefix + kSuffix, rows().stride);
  prepared.slack = slack_of(rows().cols) * norm;
  prepared.bound_slope = std::max(norm + prepared.slack - header_->norm_weight, 0.0F);
  return prepared;
}

/// A score that k rows reach, found by scoring some whose prefixes alone score best. A search that
/// knew nothing at first would take many rows for candidates before it had seen good ones.
/// -infinity if there are not k such rows.
float TopKSearch::seed_threshold(const float* query, const SearchQuery& prepared, std::size_t k,
                                 const Bitmap* excluded) const {
  struct Seed {
    float prefix;
    std::size_t position;
  };
  Seed seeds[kSeedGroups * kBlock];
  std::size_t count = 0;
  for (std::size_t group = 0; group < kSeedGroups; ++group) {
    float prefixes[kBlock];
    std::int32_t blocks[kBlock];
    const std::size_t begin = std::min(group * kGroupBlocks, prepared_.block_count);
    const std::size_t end = std::min(begin + kGroupBlocks, prepared_.block_count);
    kernels().best_prefix_scores(prepared_, prepared, begin, end, prefixes, blocks);
    for (std::size_t lane = 0; lane < kBlock; ++lane) {
      const std::size_t position = static_cast<std::size_t>(blocks[lane]) * kBlock + lane;
      if (!std::isfinite(prefixes[lane]) || position >= rows().rows) continue;
      if (excluded != nullptr && (*excluded)[ordered_.order[position]]) continue;
      seeds[count++] = {prefixes[lane], position};
    }
  }
  const std::size_t wanted = std::max(kSeeds, 4 * std::min(k, count));
  if (count > wanted) {
    std::nth_element(seeds, seeds + wanted, seeds + count,
                     [](const Seed& a, const Seed& b) { return a.prefix > b.prefix; });
    count = wanted;
  }
  for (std::size_t n = 0; n < count; ++n) ordered_.fetch(seeds[n].position);
  float scores[std::size(seeds)];
  std::size_t numbers = 0;
  for (std::size_t n = 0; n < count; ++n) {
    scores[numbers] = score(query, prepared.base, ordered_.order[seeds[n].position]);
    if (!std::isnan(scores[numbers])) ++numbers;
  }
  if (k == 0 || numbers < k) return -std::numeric_limits<float>::infinity();
  std::nth_element(scores, scores + (k - 1), scores + numbers, std::greater<>());
  return scores[k - 1];
}

float TopKSearch::score(const float* query, float base, std::uint32_t row) const {
  const float product = kernels().dot(query, rows().row(row), rows().cols);
  return (bias_ != nullptr ? base + bias_[row] : base) + product;
}

std::vector<ScoredItem> TopKSearch::best(const float* query, float base, std::size_t k,
                                         const Bitmap* excluded) const {
  constexpr float kNothing = -std::numeric_limits<float>::infinity();
  SearchQuery prepared = prepare(query);
  const bool trusted = std::isfinite(prepared.scale);
  const float largest = std::fabs(base) + header_->largest_terms +
                        (prepared.bound_slope + header_->norm_weight) * header_->largest_norm;
  prepared.base = base;
  prepared.bound_base = base + 8 * kUnit * largest;
  return best_of_found(
      ordered_, k, excluded, trusted ? seed_threshold(query, prepared, k, excluded) : kNothing,
      [&](float least, FoundRows* found) {
        kernels().find_scores(prepared_, prepared, trusted ? least : kNothing, found);
      },
      [&](std::uint32_t row) { return score(query, base, row); });
}

}  // namespace als
