// What goes over the ratings of a row.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "core/data/compressed_rows.h"
#include "core/kernels/kernels.h"
#include "core/linalg/factor_matrix.h"
#include "core/train/row_objective.h"

namespace als {

/// A few ratings of a row on their way through a pass of conjugate gradients. With room for whole
/// blocks from any of them on.
struct PassChunk {
  static constexpr std::size_t kSize = 512;
  float weights[kSize + kBlock];
  float targets[kSize + kBlock];
  float values[kSize + kBlock];
};

/// A row's x or direction: the floats of a padded row of factors, and the bias, 0 without biases.
struct RowVector {
  const float* factors;
  float bias;
};

/// x as conjugate gradients have it: behind the padded row its bias, if there are biases.
inline RowVector row_vector(const float* x, const Factors& fixed) {
  return {x, fixed.bias.empty() ? 0.0F : x[fixed.matrix.stride()]};
}

/// Ratings [begin, end) are all of one row. A sum has the floats of a padded row of factors and,
/// with biases, the bias in a block of its own behind them. fetch: whether the other side's vectors
/// may be in memory still.
class RowPasses {
 public:
  /// Both must outlive this.
  RowPasses(const CompressedRows& rows, const RowObjective& objective)
      : kernels_(kernels()), rows_(rows), objective_(objective) {}

  /// Adds their part of the residual b - A x, without the parts of Y^T Y and of the ridge, to
  /// `sum`, and their loss there, without those parts too, and at x = 0. At most PassChunk::kSize
  /// of them.
  void add_residual(std::uint64_t begin, std::uint64_t end, const Factors& fixed, RowVector x,
                    bool fetch, PassChunk& chunk, float* sum, double& loss,
                    double& loss_at_zero) const;

  /// Subtracts their part of A p from `sum`. At most PassChunk::kSize of them.
  void subtract_product(std::uint64_t begin, std::uint64_t end, const Factors& fixed, RowVector p,
                        bool fetch, PassChunk& chunk, float* sum) const;

  /// Their part of p^T A p. At most PassChunk::kSize of them.
  double curvature(std::uint64_t begin, std::uint64_t end, const Factors& fixed, RowVector p,
                   bool fetch, PassChunk& chunk) const;

  /// Their part in the row's fit at x, whose bias follows its factors, without padding; for
  /// implicit feedback beyond the s^2 that every cell counts. dot: of factors, how exactly.
  template <class Dot>
  double fit(std::uint64_t begin, std::uint64_t end, const Factors& fixed, const float* x,
             const Dot& dot) const {
    const std::size_t factors = fixed.matrix.cols();
    const double alpha = objective_.options().alpha;
    double sum = 0;
    for (std::uint64_t e = begin; e < end; ++e) {
      const std::uint32_t column = rows_.columns[e];
      const double value = rows_.values[e];
      double score = objective_.mean() + dot(fixed.matrix.row(column), x, factors);
      if (!fixed.bias.empty()) score += static_cast<double>(fixed.bias[column]) + x[factors];
      if (objective_.implicit()) {
        const double error = (value > 0 ? 1.0 : 0.0) - score;
        sum += (1 + alpha * std::fabs(value)) * error * error - score * score;
      } else {
        const double weight = rows_.weight(e);
        sum += weight * (value - score) * (value - score);
      }
    }
    return sum;
  }

 private:
  static const float* readable(const UninitializedVector<float>& of_all, std::uint64_t begin,
                               std::uint64_t end, float* copy);
  PassTerms weighted_terms(std::uint64_t begin, std::uint64_t end, const Factors& fixed,
                           RowVector x, bool fetch, PassChunk& chunk) const;

  const Kernels& kernels_;
  const CompressedRows& rows_;
  const RowObjective& objective_;
};

}  // namespace als
