// Passes of conjugate gradients, by the kernels of this processor.
#include "core/train/row_passes.h"

#include <algorithm>

namespace als {

float RowPasses::pass(std::uint64_t begin, std::uint64_t end, const Factors& fixed, const float* x,
                      PassChunk& chunk, float* sum) const {
  const std::size_t stride = fixed.matrix.stride();
  const bool biases = !fixed.bias.empty();
  return kernels_.pass(
      {fixed.matrix.row(0), stride, rows_.columns.data() + begin, end - begin,
       rows_.columns.size() - end, chunk.weights, chunk.targets, biases ? x[stride] : 0.0F},
      x, chunk.dots, sum);
}

void RowPasses::add_residual(std::uint64_t begin, std::uint64_t end, const Factors& fixed,
                             const float* x, PassChunk& chunk, float* sum, double& loss,
                             double& loss_at_zero) const {
  const bool biases = !fixed.bias.empty();
  const bool implicit = objective_.implicit();
  const std::size_t count = end - begin;
  const float* values = rows_.values.data() + begin;
  const std::uint32_t* columns = rows_.columns.data() + begin;
  const auto mean = static_cast<float>(objective_.mean());
  const auto alpha = static_cast<float>(objective_.options().alpha);
  const float* weights = rows_.weights_from(begin);
  for (std::size_t e = 0; e < count; ++e) {
    if (implicit) {
      chunk.weights[e] = alpha * std::fabs(values[e]);
      chunk.targets[e] = values[e] > 0 ? 1.0F + chunk.weights[e] : 0.0F;
    } else {
      chunk.weights[e] = 1.0F;
      chunk.targets[e] = values[e] - mean - (biases ? fixed.bias[columns[e]] : 0.0F);
    }
  }
  for (std::size_t e = 0; weights != nullptr && e < count; ++e) {
    chunk.weights[e] = weights[e];
    chunk.targets[e] *= weights[e];
  }
  const float total = pass(begin, end, fixed, x, chunk, sum);
  if (biases) sum[fixed.matrix.stride()] += total;
  for (std::size_t e = 0; e < count; ++e) {
    const double dot = chunk.dots[e];
    const double target = chunk.targets[e];
    const double weight = chunk.weights[e];
    if (weights != nullptr) {
      const double unweighted = target / weight;
      loss += weight * (unweighted - dot) * (unweighted - dot);
      loss_at_zero += target * unweighted;
      continue;
    }
    // Implicit feedback: (1 + w)(p - s)^2 - s^2, where h = (1 + w) p and p is 0 or 1.
    loss += implicit ? target + dot * (weight * dot - 2 * target) : (target - dot) * (target - dot);
    loss_at_zero += implicit ? target : target * target;
  }
}

void RowPasses::subtract_product(std::uint64_t begin, std::uint64_t end, const Factors& fixed,
                                 const float* p, PassChunk& chunk, float* sum) const {
  const bool implicit = objective_.implicit();
  const std::size_t count = end - begin;
  const float* values = rows_.values.data() + begin;
  const auto alpha = static_cast<float>(objective_.options().alpha);
  const float* weights = rows_.weights_from(begin);
  for (std::size_t e = 0; e < count; ++e) {
    chunk.weights[e] = implicit ? alpha * std::fabs(values[e]) : 1.0F;
    chunk.targets[e] = 0.0F;
  }
  if (weights != nullptr) std::copy_n(weights, count, chunk.weights);
  const float total = pass(begin, end, fixed, p, chunk, sum);
  if (!fixed.bias.empty()) sum[fixed.matrix.stride()] += total;
}

}  // namespace als
