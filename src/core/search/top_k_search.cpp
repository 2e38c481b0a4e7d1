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

// The seed threshold of scores comes from so many groups of so many blocks, the first in the order
// of rows; that of cosines, about which the order says nothing, from blocks all over, in so many
// groups of at most so many. Of each group there is the best row in each of 16 places, and of all
// those the best are scored: so many, or a few times k.
constexpr std::size_t kScoreGroups = 4;
constexpr std::size_t kScoreBlocks = 64;
constexpr std::size_t kCosineGroups = 16;
constexpr std::size_t kCosineBlocks = 128;
constexpr std::size_t kSeeds = 64;

float slack_of(std::size_t factors) {
  const auto n = static_cast<float>(factors);
  const float sum_error = (n + 2) * kUnit;
  return sum_error * (1 + 2.1F * std::sqrt(n)) + 3 * kUnit * std::sqrt(n) + 7 / kIntegerNorm +
         64 * kUnit;
}

template <class T>
const T* part_of(const void* image, std::size_t offset) {
  return reinterpret_cast<const T*>(static_cast<const char*>(image) + offset);
}

}  // namespace

std::size_t TopKSearch::bytes(std::size_t rows, std::size_t factors) {
  return SearchLayout(rows, factors).size;
}

TopKSearch::TopKSearch(const void* image, const FactorView& rows, const float* bias)
    : rows_(rows), bias_(bias) {
  const SearchLayout layout(rows.rows, rows.cols);
  gram_ = part_of<float>(image, layout.gram);
  rotation_ = part_of<float>(image, layout.rotation);
  header_ = part_of<SearchHeader>(image, layout.header);
  order_ = part_of<std::uint32_t>(image, layout.order);
  prepared_ = {part_of<BlockBound>(image, layout.bounds),
               part_of<SearchBlock>(image, layout.blocks),
               part_of<SearchSuffix>(image, layout.suffixes), layout.block_count};
}

/// All but `norm`, `base` and `bound_base`. The scale is infinite where no bound can be trusted.
SearchQuery TopKSearch::prepare(const float* query) const {
  SearchQuery prepared{};
  const float norm = trusted_norm(query, rows_.cols);
  prepared.scale = norm / kIntegerNorm;
  if (std::isinf(norm)) return prepared;

  alignas(64) float rotated[kMaxFactors];
  std::copy_n(query, rows_.cols, rotated);
  std::fill(rotated + rows_.cols, rotated + rows_.stride, 0.0F);
  kernels().transform(rotated, 1, rows_.stride, rows_.cols, rotation_);
  const float inverse_scale = 1 / prepared.scale;
  round_components(rotated, rows_.stride, 0, kPrefix, inverse_scale, prepared.prefix);
  round_components(rotated, rows_.stride, kPrefix, kSuffix, inverse_scale, prepared.suffix);
  prepared.prefix_rest = norm_above(rotated, kPrefix, rows_.stride);
  prepared.suffix_rest = norm_above(rotated, kPrefix + kSuffix, rows_.stride);
  prepared.slack = slack_of(rows_.cols) * norm;
  prepared.bound_slope = std::max(norm + prepared.slack - header_->norm_weight, 0.0F);
  return prepared;
}

/// A score that k rows reach, found by scoring some whose prefixes alone score best, in groups of
/// blocks: best_prefixes(group, prefixes, blocks). A search that knew nothing at first would take
/// many rows for candidates before it had seen good ones. -infinity if there are not k such rows.
template <class BestPrefixes, class Score>
float TopKSearch::seed_threshold(std::size_t groups, const BestPrefixes& best_prefixes,
                                 std::size_t k, const Bitmap* excluded, const Score& score) const {
  struct Seed {
    float prefix;
    std::uint32_t position;
  };
  Seed seeds[std::max(kScoreGroups, kCosineGroups) * kBlock];
  std::size_t count = 0;
  for (std::size_t group = 0; group < groups; ++group) {
    float prefixes[kBlock];
    std::int32_t blocks[kBlock];
    best_prefixes(group, prefixes, blocks);
    for (std::size_t lane = 0; lane < kBlock; ++lane) {
      const std::size_t position = static_cast<std::size_t>(blocks[lane]) * kBlock + lane;
      if (!std::isfinite(prefixes[lane]) || position >= rows_.rows) continue;
      if (excluded != nullptr && (*excluded)[order_[position]]) continue;
      seeds[count++] = {prefixes[lane], static_cast<std::uint32_t>(position)};
    }
  }
  const std::size_t wanted = std::max(kSeeds, 4 * std::min(k, count));
  if (count > wanted) {
    std::nth_element(seeds, seeds + wanted, seeds + count,
                     [](const Seed& a, const Seed& b) { return a.prefix > b.prefix; });
    count = wanted;
  }
  for (std::size_t n = 0; n < count; ++n) fetch(rows_.row(order_[seeds[n].position]));
  float scores[std::size(seeds)];
  std::size_t numbers = 0;
  for (std::size_t n = 0; n < count; ++n) {
    scores[numbers] = score(order_[seeds[n].position], seeds[n].position);
    if (!std::isnan(scores[numbers])) ++numbers;
  }
  if (k == 0 || numbers < k) return -std::numeric_limits<float>::infinity();
  std::nth_element(scores, scores + (k - 1), scores + numbers, std::greater<>());
  return scores[k - 1];
}

/// Asks for a row early.
void TopKSearch::fetch(const float* row) const {
  for (std::size_t c = 0; c < rows_.stride; c += kBlock) __builtin_prefetch(row + c, 0, 3);
}

/// k rows reach `floor`. find(least, found) finds the next rows that may score at least so much,
/// score(row, position) scores one of them.
template <class Find, class Score>
std::vector<ScoredItem> TopKSearch::search(std::size_t k, const Bitmap* excluded, float floor,
                                           const Find& find, const Score& score) const {
  if (k == 0) return {};
  TopK top(k);
  FoundRows found;
  for (;;) {
    find(std::max(top.least(), floor), &found);
    if (found.count == 0) return top.take();
    std::size_t count = 0;
    for (std::size_t n = 0; n < found.count; ++n) {
      const std::uint32_t position = found.positions[n];
      if (position >= rows_.rows) continue;  // the last block may not be full
      if (excluded != nullptr && (*excluded)[order_[position]]) continue;
      fetch(rows_.row(order_[position]));
      found.positions[count++] = position;
    }
    for (std::size_t n = 0; n < count; ++n) {
      const std::uint32_t row = order_[found.positions[n]];
      top.offer(row, score(row, found.positions[n]));
    }
  }
}

float TopKSearch::score(const float* query, float base, std::uint32_t row) const {
  const float product = kernels().dot(query, rows_.row(row), rows_.cols);
  return (bias_ != nullptr ? base + bias_[row] : base) + product;
}

std::vector<ScoredItem> TopKSearch::best(const float* query, float base, std::size_t k,
                                         const Bitmap* excluded) const {
  SearchQuery prepared = prepare(query);
  const bool trusted = std::isfinite(prepared.scale);
  const float largest = std::fabs(base) + header_->largest_terms +
                        (prepared.bound_slope + header_->norm_weight) * header_->largest_norm;
  prepared.base = base;
  prepared.bound_base = base + 8 * kUnit * largest;
  const Kernels& current = kernels();
  const auto score = [&](std::uint32_t row, std::size_t) {
    const float product = current.dot(query, rows_.row(row), rows_.cols);
    return (bias_ != nullptr ? base + bias_[row] : base) + product;
  };
  const auto best_prefixes = [&](std::size_t group, float* prefixes, std::int32_t* blocks) {
    const std::size_t begin = std::min(group * kScoreBlocks, prepared_.block_count);
    const std::size_t end = std::min(begin + kScoreBlocks, prepared_.block_count);
    current.best_prefix_scores(prepared_, prepared, {begin, end, 1}, prefixes, blocks);
  };
  const float floor = trusted ? seed_threshold(kScoreGroups, best_prefixes, k, excluded, score)
                              : -std::numeric_limits<float>::infinity();
  return search(
      k, excluded, floor,
      [&](float least, FoundRows* found) {
        if (!trusted) least = -std::numeric_limits<float>::infinity();
        current.find_scores(prepared_, prepared, least, found);
      },
      score);
}

std::vector<ScoredItem> TopKSearch::best_by_cosine(const float* query, std::size_t k,
                                                   const Bitmap* excluded) const {
  SearchQuery prepared = prepare(query);
  const bool trusted = std::isfinite(prepared.scale);
  const Kernels& current = kernels();
  const double square = dot_in_double(query, query, rows_.cols);
  prepared.norm = static_cast<float>(std::sqrt(square));
  const auto score = [&](std::uint32_t row, std::size_t) {
    double product;
    double row_square;
    current.cosine_products(query, rows_.row(row), rows_.cols, &product, &row_square);
    return cosine(product, square, row_square);
  };
  const auto best_prefixes = [&](std::size_t group, float* prefixes, std::int32_t* blocks) {
    const std::size_t step =
        std::max(kCosineGroups, (prepared_.block_count + kCosineBlocks - 1) / kCosineBlocks);
    current.best_prefix_cosines(prepared_, prepared,
                                {group * step / kCosineGroups, prepared_.block_count, step},
                                prefixes, blocks);
  };
  const float floor = trusted ? seed_threshold(kCosineGroups, best_prefixes, k, excluded, score)
                              : -std::numeric_limits<float>::infinity();
  return search(
      k, excluded, floor,
      [&](float least, FoundRows* found) {
        // The cosine is rounded, and so are the norms and the product that it is compared by.
        least = trusted ? least - 8 * kUnit * std::fabs(least)
                        : -std::numeric_limits<float>::infinity();
        current.find_cosines(prepared_, prepared, least, found);
      },
      score);
}

}  // namespace als
