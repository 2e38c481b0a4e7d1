// The image of a TopKSearch.

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "core/kernels/kernels.h"
#include "core/linalg/gram.h"
#include "core/linalg/products.h"
#include "core/search/bound_rotation.h"
#include "core/search/search_layout.h"
#include "core/search/top_k.h"
#include "core/search/top_k_search.h"

namespace als {
namespace {

using Poll = std::function<void()>;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::size_t kRowsPerSegment = 4096;
constexpr std::size_t kComparisonsPerPoll = std::size_t{1} << 18;  // some milliseconds

struct RowBound {
  float upper_bound;
  std::uint32_t row;
};

/// Rows by their upper_bound, the largest first.
std::vector<RowBound> sorted_bounds(const std::vector<float>& norms, const float* bias,
                                    SearchHeader& header, const Poll& poll) {
  // Both sides of a model have vectors of about the same size: this weight makes the upper_bound of
  // a row what it can score at most for a typical query.
  double squares = 0;
  std::size_t trusted = 0;
  for (const float norm : norms) {
    if (std::isinf(norm)) continue;
    squares += static_cast<double>(norm) * norm;
    ++trusted;
  }
  header = {kMinNorm, 0.0F, 0.0F};
  if (trusted > 0) {
    header.norm_weight = static_cast<float>(std::sqrt(squares / static_cast<double>(trusted)));
  }
  std::vector<RowBound> upper_bounds;
  upper_bounds.reserve(norms.size());
  for (std::size_t row = 0; row < norms.size(); ++row) {
    const float b = bias != nullptr ? bias[row] : 0.0F;
    const float term = header.norm_weight * norms[row];
    const float upper_bound = b + term;
    // A bias that is not a number makes no score that is one.
    upper_bounds.push_back(
        {std::isnan(upper_bound) ? -kInfinity : upper_bound, static_cast<std::uint32_t>(row)});
    if (std::isinf(norms[row]) || !std::isfinite(b)) continue;
    header.largest_norm = std::max(header.largest_norm, norms[row]);
    header.largest_terms = std::max(header.largest_terms, std::fabs(b) + term);
  }
  std::size_t comparisons = 0;
  std::sort(upper_bounds.begin(), upper_bounds.end(), [&](const RowBound& a, const RowBound& b) {
    if (++comparisons % kComparisonsPerPoll == 0) poll();
    return a.upper_bound > b.upper_bound || (a.upper_bound == b.upper_bound && a.row < b.row);
  });
  return upper_bounds;
}

/// Turns rows into blocks, one after the other.
class BlockWriter {
 public:
  BlockWriter(const FactorView& rows, const float* bias, const std::vector<float>& norms,
              const float* rotation)
      : rows_(rows),
        bias_(bias),
        norms_(norms),
        rotation_(rotation),
        rotated_(kBlock * rows.stride) {}

  /// A block of at most 16 rows, in this order. All but bound.later_norm.
  void write(const RowBound* upper_bounds, std::size_t count, BlockBound& bound, SearchBlock& block,
             SearchSuffix* suffixes) {
    std::fill(rotated_.begin(), rotated_.end(), 0.0F);
    float norm = 0.0F;
    for (std::size_t lane = 0; lane < count; ++lane) {
      const std::size_t row = upper_bounds[lane].row;
      std::copy_n(rows_.row(row), rows_.cols, rotated_.data() + lane * rows_.stride);
      norm = std::max(norm, norms_[row]);
    }
    kernels().transform(rotated_.data(), kBlock, rows_.stride, rows_.cols, rotation_);

    const float scale = std::isinf(norm) ? 0.0F : norm / kIntegerNorm;
    const float inverse_scale = scale > 0 ? 1 / scale : 0.0F;
    bound = {scale, norm, norm, upper_bounds[0].upper_bound};
    for (std::size_t lane = 0; lane < kBlock; ++lane) {
      const float* rotated = rotated_.data() + lane * rows_.stride;
      std::int16_t prefix[kPrefix];
      round_components(rotated, rows_.stride, 0, kPrefix, inverse_scale, prefix);
      for (std::size_t k = 0; k < kPrefix; ++k) block.prefixes[k / 2][lane][k % 2] = prefix[k];
      round_components(rotated, rows_.stride, kPrefix, kSuffix, inverse_scale,
                       suffixes[lane].components);
      block.rests[lane] = norm_above(rotated, kPrefix, rows_.stride);
      suffixes[lane].rest = norm_above(rotated, kPrefix + kSuffix, rows_.stride);
      block.biases[lane] = 0.0F;
      if (lane < count && bias_ != nullptr) block.biases[lane] = bias_[upper_bounds[lane].row];
    }
  }

 private:
  const FactorView& rows_;
  const float* bias_;
  const std::vector<float>& norms_;
  const float* rotation_;
  AlignedVector<float> rotated_;
};

}  // namespace

void TopKSearch::build(const FactorView& rows, const float* bias, void* image, const Poll& poll) {
  const SearchLayout layout(rows.rows, rows.cols);
  auto* header = part_of<SearchHeader>(image, layout.header);
  auto* gram = part_of<float>(image, layout.gram);
  auto* rotation = part_of<float>(image, layout.rotation);
  auto* bounds = part_of<BlockBound>(image, layout.bounds);
  auto* blocks = part_of<SearchBlock>(image, layout.blocks);
  auto* suffixes = part_of<SearchSuffix>(image, layout.suffixes);
  auto* order = part_of<std::uint32_t>(image, layout.order);

  ThreadTeam alone(
      1, [] { return true; }, poll);
  const NormalEquations equations = gram_of(rows, alone);
  std::copy_n(equations.matrix(), matrix_floats(rows.cols), gram);
  const AlignedVector<float> columns = bound_rotation(gram, rows.cols, alone);
  std::copy(columns.begin(), columns.end(), rotation);

  std::vector<float> norms(rows.rows);
  for (std::size_t row = 0; row < rows.rows; ++row) {
    if (row % kRowsPerSegment == 0) poll();
    norms[row] = trusted_norm(rows.row(row), rows.cols);
  }
  const std::vector<RowBound> upper_bounds = sorted_bounds(norms, bias, *header, poll);

  BlockWriter writer(rows, bias, norms, rotation);
  for (std::size_t b = 0; b < layout.block_count; ++b) {
    poll();
    const std::size_t first = b * kBlock;
    const std::size_t count = std::min(kBlock, rows.rows - first);
    writer.write(upper_bounds.data() + first, count, bounds[b], blocks[b], suffixes + first);
    for (std::size_t lane = 0; lane < kBlock; ++lane) {
      order[first + lane] = lane < count ? upper_bounds[first + lane].row : 0;
    }
  }
  for (std::size_t b = layout.block_count; b-- > 1;) {
    bounds[b - 1].later_norm = std::max(bounds[b - 1].norm, bounds[b].later_norm);
  }
}

}  // namespace als
