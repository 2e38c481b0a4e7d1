// The image of a TopKSearch.

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "core/eigenbasis.h"
#include "core/gram.h"
#include "core/kernels.h"
#include "core/scoring.h"
#include "core/search_image.h"
#include "core/top_k_search.h"

namespace als {
namespace {

using Poll = std::function<void()>;

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::size_t kRowsASegment = 4096;
constexpr std::size_t kComparisonsAPoll = std::size_t{1} << 18;  // some milliseconds

/// The eigenvectors of the Gram matrix, or none at all where it is not finite: any rotation makes
/// bounds that hold.
AlignedVector<float> rotation_of(const float* gram, std::size_t n, ThreadTeam& team) {
  if (std::optional<Eigenbasis> basis = eigenbasis(gram, n, team)) {
    return std::move(basis->rotation);
  }
  AlignedVector<float> identity(blocks_of(n) * n * kBlock, 0.0F);
  for (std::size_t k = 0; k < n; ++k) identity[(k / kBlock * n + k) * kBlock + k % kBlock] = 1.0F;
  return identity;
}

struct Promise {
  float promise;
  std::uint32_t row;
};

/// Rows by their promise, the largest first.
std::vector<Promise> sorted_promises(const std::vector<float>& norms, const float* bias,
                                     SearchHeader& header, const Poll& poll) {
  // Both sides of a model have vectors of about the same size: this weight makes a promise of a
  // row what it can score at most for a typical query.
  double squares = 0;
  std::size_t trusted = 0;
  for (const float norm : norms) {
    if (std::isinf(norm)) continue;
    squares += static_cast<double>(norm) * norm;
    ++trusted;
  }
  header = {kLeastNorm, 0.0F, 0.0F};
  if (trusted > 0) {
    header.promise_weight = static_cast<float>(std::sqrt(squares / static_cast<double>(trusted)));
  }
  std::vector<Promise> promises;
  promises.reserve(norms.size());
  for (std::size_t row = 0; row < norms.size(); ++row) {
    const float b = bias != nullptr ? bias[row] : 0.0F;
    const float term = header.promise_weight * norms[row];
    const float promise = b + term;
    // A bias that is not a number makes no score that is one.
    promises.push_back(
        {std::isnan(promise) ? -kInfinity : promise, static_cast<std::uint32_t>(row)});
    if (std::isinf(norms[row]) || !std::isfinite(b)) continue;
    header.largest_norm = std::max(header.largest_norm, norms[row]);
    header.largest_terms = std::max(header.largest_terms, std::fabs(b) + term);
  }
  std::size_t comparisons = 0;
  std::sort(promises.begin(), promises.end(), [&](const Promise& a, const Promise& b) {
    if (++comparisons % kComparisonsAPoll == 0) poll();
    return a.promise > b.promise || (a.promise == b.promise && a.row < b.row);
  });
  return promises;
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
  void write(const Promise* promises, std::size_t count, BlockBound& bound, SearchBlock& block,
             SearchTail* tails) {
    std::fill(rotated_.begin(), rotated_.end(), 0.0F);
    float norm = 0.0F;
    for (std::size_t lane = 0; lane < count; ++lane) {
      const std::size_t row = promises[lane].row;
      std::copy_n(rows_.row(row), rows_.cols, rotated_.data() + lane * rows_.stride);
      norm = std::max(norm, norms_[row]);
    }
    kernels().transform(rotated_.data(), kBlock, rows_.stride, rows_.cols, rotation_);

    const float scale = std::isinf(norm) ? 0.0F : norm / kIntegerNorm;
    const float inverse_scale = scale > 0 ? 1 / scale : 0.0F;
    bound = {scale, norm, norm, promises[0].promise};
    for (std::size_t lane = 0; lane < kBlock; ++lane) {
      const float* rotated = rotated_.data() + lane * rows_.stride;
      std::int16_t head[kHead];
      round_components(rotated, rows_.stride, 0, kHead, inverse_scale, head);
      for (std::size_t k = 0; k < kHead; ++k) block.heads[k / 2][lane][k % 2] = head[k];
      round_components(rotated, rows_.stride, kHead, kTail, inverse_scale, tails[lane].components);
      block.rests[lane] = norm_above(rotated, kHead, rows_.stride);
      tails[lane].rest = norm_above(rotated, kHead + kTail, rows_.stride);
      block.biases[lane] = 0.0F;
      block.norms[lane] = 0.0F;
      if (lane >= count) continue;
      const std::size_t row = promises[lane].row;
      if (bias_ != nullptr) block.biases[lane] = bias_[row];
      block.norms[lane] = std::sqrt(dot(rows_.row(row), rows_.row(row), rows_.cols));
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
  const auto part = [&](std::size_t offset) { return static_cast<char*>(image) + offset; };
  auto* header = reinterpret_cast<SearchHeader*>(part(layout.header));
  auto* gram = reinterpret_cast<float*>(part(layout.gram));
  auto* rotation = reinterpret_cast<float*>(part(layout.rotation));
  auto* bounds = reinterpret_cast<BlockBound*>(part(layout.bounds));
  auto* blocks = reinterpret_cast<SearchBlock*>(part(layout.blocks));
  auto* tails = reinterpret_cast<SearchTail*>(part(layout.tails));
  auto* order = reinterpret_cast<std::uint32_t*>(part(layout.order));

  ThreadTeam alone(
      1, [] { return true; }, poll);
  const NormalEquations equations = gram_of(rows, alone);
  std::copy_n(equations.matrix(), matrix_floats(rows.cols), gram);
  const AlignedVector<float> columns = rotation_of(gram, rows.cols, alone);
  std::copy(columns.begin(), columns.end(), rotation);

  std::vector<float> norms(rows.rows);
  for (std::size_t row = 0; row < rows.rows; ++row) {
    if (row % kRowsASegment == 0) poll();
    norms[row] = trusted_norm(rows.row(row), rows.cols);
  }
  const std::vector<Promise> promises = sorted_promises(norms, bias, *header, poll);

  BlockWriter writer(rows, bias, norms, rotation);
  for (std::size_t b = 0; b < layout.block_count; ++b) {
    poll();
    const std::size_t first = b * kBlock;
    const std::size_t count = std::min(kBlock, rows.rows - first);
    writer.write(promises.data() + first, count, bounds[b], blocks[b], tails + first);
    for (std::size_t lane = 0; lane < kBlock; ++lane) {
      order[first + lane] = lane < count ? promises[first + lane].row : 0;
    }
  }
  for (std::size_t b = layout.block_count; b-- > 1;) {
    bounds[b - 1].later_norm = std::max(bounds[b - 1].norm, bounds[b].later_norm);
  }
}

}  // namespace als
