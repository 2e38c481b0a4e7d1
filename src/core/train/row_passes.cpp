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

/// Whole blocks are read.
const float* RowPasses::readable(const UninitializedVector<float>& of_all, std::uint64_t begin,
                                 std::uint64_t end, float* copy) {
  const float* from = of_all.data() + begin;
  if (end + kBlock <= of_all.size()) return from;
  std::copy_n(from, end - begin, copy);
  return copy;
}

/// With the weights alone.
PassTerms RowPasses::weighted_terms(std::uint64_t begin, std::uint64_t end, const Factors& fixed,
                                    RowVector x, bool fetch, PassChunk& chunk) const {
  const std::size_t stride = fixed.matrix.stride();
  PassTerms terms{fixed.matrix.row(0),
                  stride,
                  rows_.columns.data() + begin,
                  end - begin,
                  fetch ? rows_.columns.size() - begin : 0,
                  x.bias,
                  1.0F,
                  kOnes.values,
                  chunk.targets,
                  chunk.targets};
  if (objective_.implicit()) {
    terms.scale = static_cast<float>(objective_.options().alpha);
    terms.weights = readable(rows_.values, begin, end, chunk.weights);
    terms.values = kOnes.values;
  } else if (!rows_.weights.empty()) {
    terms.weights = readable(rows_.weights, begin, end, chunk.weights);
    terms.values = chunk.values;
  }
  return terms;
}

void RowPasses::add_residual(std::uint64_t begin, std::uint64_t end, const Factors& fixed,
                             RowVector x, bool fetch, PassChunk& chunk, float* sum, double& loss,
                             double& loss_at_zero) const {
  const PassTerms terms = weighted_terms(begin, end, fixed, x, fetch, chunk);
  const std::size_t count = end - begin;
  const float* values = rows_.values.data() + begin;
  const std::uint32_t* columns = rows_.columns.data() + begin;
  if (objective_.implicit()) {
    // (1 + w)(p - s)^2 - s^2, where h = (1 + w) p and p is 0 or 1.
    const float alpha = terms.scale;
    for (std::size_t e = 0; e < count; ++e) {
      chunk.targets[e] = values[e] > 0 ? 1.0F + alpha * values[e] : 0.0F;
    }
  } else {
    const auto mean = static_cast<float>(objective_.mean());
    for (std::size_t e = 0; e < count; ++e) chunk.targets[e] = values[e] - mean;
    for (std::size_t e = 0; !fixed.bias.empty() && e < count; ++e) {
      chunk.targets[e] -= fixed.bias[columns[e]];
    }
    for (std::size_t e = 0; !rows_.weights.empty() && e < count; ++e) {
      chunk.values[e] = chunk.targets[e];
      chunk.targets[e] *= terms.weights[e];
    }
  }
  PassLoss pass_loss{0, 0};
  const float total = kernels_.residual_pass(terms, x.factors, sum, &pass_loss);
  if (!fixed.bias.empty()) sum[fixed.matrix.stride()] += total;
  loss += pass_loss.at_zero + pass_loss.beyond_zero;
  loss_at_zero += pass_loss.at_zero;
}

void RowPasses::subtract_product(std::uint64_t begin, std::uint64_t end, const Factors& fixed,
                                 RowVector p, bool fetch, PassChunk& chunk, float* sum) const {
  const float total =
      kernels_.product_pass(weighted_terms(begin, end, fixed, p, fetch, chunk), p.factors, sum);
  if (!fixed.bias.empty()) sum[fixed.matrix.stride()] += total;
}

double RowPasses::curvature(std::uint64_t begin, std::uint64_t end, const Factors& fixed,
                            RowVector p, bool fetch, PassChunk& chunk) const {
  return kernels_.curvature_pass(weighted_terms(begin, end, fixed, p, fetch, chunk), p.factors);
}

}  // namespace als
