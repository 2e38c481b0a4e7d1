// Passes of conjugate gradients, by the kernels of this processor.
#include "core/train/row_passes.h"

#include <algorithm>
#include <cmath>

namespace als {

namespace {

// What is the same for all ratings.
struct Ones {
  float values[PassChunk::kSize + kBlock] = {};
  constexpr Ones() {
    for (float& value : values) value = 1.0F;
  }
};
constexpr Ones kOnes;

}  // namespace

PassTerms RowPasses::terms(std::uint64_t begin, std::uint64_t end, const Factors& fixed,
                           const float* x, bool fetch, const PassChunk& chunk) const {
  const std::size_t stride = fixed.matrix.stride();
  const bool weighted = objective_.implicit() || !rows_.weights.empty();
  return {fixed.matrix.row(0),
          stride,
          rows_.columns.data() + begin,
          end - begin,
          fetch ? rows_.columns.size() - begin : 0,
          fixed.bias.empty() ? 0.0F : x[stride],
          weighted ? chunk.weights : kOnes.values,
          chunk.targets,
          objective_.implicit() ? kOnes.values
          : weighted            ? chunk.values
                                : chunk.targets};
}

/// With the weights alone.
PassTerms RowPasses::weighted_terms(std::uint64_t begin, std::uint64_t end, const Factors& fixed,
                                    const float* p, bool fetch, PassChunk& chunk) const {
  const std::size_t count = end - begin;
  if (objective_.implicit()) {
    const float* values = rows_.values.data() + begin;
    const auto alpha = static_cast<float>(objective_.options().alpha);
    for (std::size_t e = 0; e < count; ++e) chunk.weights[e] = alpha * std::fabs(values[e]);
  } else if (!rows_.weights.empty()) {
    std::copy_n(rows_.weights_from(begin), count, chunk.weights);
  }
  return terms(begin, end, fixed, p, fetch, chunk);
}

void RowPasses::add_residual(std::uint64_t begin, std::uint64_t end, const Factors& fixed,
                             const float* x, bool fetch, PassChunk& chunk, float* sum, double& loss,
                             double& loss_at_zero) const {
  const PassTerms terms = weighted_terms(begin, end, fixed, x, fetch, chunk);
  const std::size_t count = end - begin;
  const float* values = rows_.values.data() + begin;
  const std::uint32_t* columns = rows_.columns.data() + begin;
  if (objective_.implicit()) {
    // (1 + w)(p - s)^2 - s^2, where h = (1 + w) p and p is 0 or 1.
    for (std::size_t e = 0; e < count; ++e) {
      chunk.targets[e] = values[e] > 0 ? 1.0F + chunk.weights[e] : 0.0F;
    }
  } else {
    const auto mean = static_cast<float>(objective_.mean());
    for (std::size_t e = 0; e < count; ++e) chunk.targets[e] = values[e] - mean;
    for (std::size_t e = 0; !fixed.bias.empty() && e < count; ++e) {
      chunk.targets[e] -= fixed.bias[columns[e]];
    }
    for (std::size_t e = 0; !rows_.weights.empty() && e < count; ++e) {
      chunk.values[e] = chunk.targets[e];
      chunk.targets[e] *= chunk.weights[e];
    }
  }
  PassLoss pass_loss{0, 0};
  const float total = kernels_.residual_pass(terms, x, sum, &pass_loss);
  if (!fixed.bias.empty()) sum[fixed.matrix.stride()] += total;
  loss += pass_loss.at_zero + pass_loss.beyond_zero;
  loss_at_zero += pass_loss.at_zero;
}

void RowPasses::subtract_product(std::uint64_t begin, std::uint64_t end, const Factors& fixed,
                                 const float* p, bool fetch, PassChunk& chunk, float* sum) const {
  const float total =
      kernels_.product_pass(weighted_terms(begin, end, fixed, p, fetch, chunk), p, sum);
  if (!fixed.bias.empty()) sum[fixed.matrix.stride()] += total;
}

double RowPasses::curvature(std::uint64_t begin, std::uint64_t end, const Factors& fixed,
                            const float* p, bool fetch, PassChunk& chunk) const {
  return kernels_.curvature_pass(weighted_terms(begin, end, fixed, p, fetch, chunk), p);
}

}  // namespace als
