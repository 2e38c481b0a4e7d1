// The half-step by conjugate gradients.
//
// Ratings of a row need not be summed to an n x n matrix A, which takes n^2 / 2 multiply-adds each:
// a product with A takes 2 n of them (Takacs, Pilaszy and Tikk 2011),
//
//   A p = Y^T Y p + sum over ratings of (w - 1) (y . p) y + ridge p    for implicit feedback,
//   A p = sum over ratings of (z . p) z + ridge p                      for explicit feedback.

#include <algorithm>
#include <cmath>

#include "core/half_step.h"

namespace als {
namespace {

// Steps in a half-step. With the basis and the preconditioner used here, two lead to as low an
// objective after some sweeps as exact solutions do; one does not.
constexpr int kSteps = 2;

// A step is not worth its time if it lowers the loss of a row by less than this part of it.
constexpr double kNegligible = 1e-6;

double sum_of_squares(const float* x, std::size_t n) {
  double sum = 0;
  for (std::size_t k = 0; k < n; ++k) sum += static_cast<double>(x[k]) * x[k];
  return sum;
}

}  // namespace

/// Calls visit(begin, end, terms) for the ratings of a row, a chunk at a time.
template <class Visit>
void HalfStep::for_each_chunk(std::size_t row, const Factors& fixed, PassChunk& chunk, float bias,
                              const Visit& visit) const {
  const std::uint64_t row_end = rows_.offsets[row + 1];
  for (std::uint64_t begin = rows_.offsets[row]; begin < row_end;) {
    const std::uint64_t end = std::min<std::uint64_t>(begin + PassChunk::kSize, row_end);
    visit(begin, end,
          PassTerms{fixed.matrix.row(0), fixed.matrix.stride(), rows_.columns.data() + begin,
                    end - begin, rows_.columns.size() - end, chunk.weights, chunk.targets, bias});
    begin = end;
  }
}

/// The residual b - A x at the worker's x, without the parts of Y^T Y and of the ridge. Adds to
/// `loss` that of the ratings, beyond those parts.
HalfStep::RowSums HalfStep::start_gradients(std::size_t row, const Factors& fixed, Worker& worker,
                                            double& loss) const {
  PassChunk& chunk = worker.chunk;
  const std::size_t stride = fixed.matrix.stride();
  const bool biases = !fixed.bias.empty();
  const float* x = worker.gradients.x();
  float* residual = worker.gradients.residual();
  const auto mean = static_cast<float>(mean_);
  const auto alpha = static_cast<float>(options_.alpha);
  RowSums sums;
  for_each_chunk(row, fixed, chunk, biases ? x[stride] : 0.0F,
                 [&](std::uint64_t begin, std::uint64_t end, const PassTerms& terms) {
                   const std::size_t count = end - begin;
                   const float* values = rows_.values.data() + begin;
                   for (std::size_t e = 0; e < count; ++e) {
                     if (implicit()) {
                       chunk.weights[e] = alpha * std::fabs(values[e]);
                       chunk.targets[e] = values[e] > 0 ? 1.0F + chunk.weights[e] : 0.0F;
                     } else {
                       chunk.weights[e] = 1.0F;
                       chunk.targets[e] =
                           values[e] - mean - (biases ? fixed.bias[terms.columns[e]] : 0.0F);
                     }
                   }
                   const float total = kernels_.pass(terms, x, chunk.dots, residual);
                   if (biases) residual[stride] += total;
                   for (std::size_t e = 0; e < count; ++e) {
                     const double dot = chunk.dots[e];
                     const double target = chunk.targets[e];
                     const double weight = chunk.weights[e];
                     // Implicit feedback: (1 + w)(p - s)^2 - s^2, where h = (1 + w) p and p is 0
                     // or 1.
                     loss += implicit() ? target + dot * (weight * dot - 2 * target)
                                        : (target - dot) * (target - dot);
                     sums.weight += weight;
                   }
                 });
  return sums;
}

/// product -= A p, without the parts of Y^T Y and of the ridge.
void HalfStep::subtract_product(std::size_t row, const Factors& fixed, Worker& worker,
                                const float* p, float* product) const {
  PassChunk& chunk = worker.chunk;
  const std::size_t stride = fixed.matrix.stride();
  const bool biases = !fixed.bias.empty();
  const auto alpha = static_cast<float>(options_.alpha);
  std::fill(chunk.targets, chunk.targets + PassChunk::kSize, 0.0F);
  for_each_chunk(row, fixed, chunk, biases ? p[stride] : 0.0F,
                 [&](std::uint64_t begin, std::uint64_t end, const PassTerms& terms) {
                   const float* values = rows_.values.data() + begin;
                   for (std::size_t e = 0; e < end - begin; ++e) {
                     chunk.weights[e] = implicit() ? alpha * std::fabs(values[e]) : 1.0F;
                   }
                   const float total = kernels_.pass(terms, p, chunk.dots, product);
                   if (biases) product[stride] += total;
                 });
}

void HalfStep::descend_row(std::size_t row, const Factors& fixed, const Workshop& workshop,
                           Worker& worker, Factors& solved, Result& result) const {
  const std::size_t stride = fixed.matrix.stride();
  const bool biases = !fixed.bias.empty();
  const std::size_t unknowns = stride + (biases ? kBlock : 0);
  ConjugateGradients& gradients = worker.gradients;
  float* x = gradients.x();
  float* residual = gradients.residual();
  float* preconditioner = gradients.preconditioner();
  std::copy_n(solved.matrix.row(row), stride, x);
  std::fill_n(x + stride, unknowns - stride, 0.0F);
  if (biases) x[stride] = solved.bias[row];
  std::fill_n(residual, unknowns, 0.0F);

  double loss = 0;
  const RowSums sums = start_gradients(row, fixed, worker, loss);
  const double ridge = row_ridge(sums);

  // What Y^T Y and the ridge add to the diagonal of A.
  const auto shared = [&](std::size_t k) {
    const float eigenvalue = implicit() && k < stride ? workshop.basis.eigenvalues()[k] : 0.0F;
    return eigenvalue + static_cast<float>(ridge);
  };
  for (std::size_t k = 0; k < unknowns; ++k) {
    const float diagonal = shared(k);
    residual[k] -= diagonal * x[k];
    loss += static_cast<double>(diagonal) * x[k] * x[k];
    // The ratings' own part of it, as it is on average: the sum of w z_k^2 would take another pass.
    const float mean_square = k < stride ? workshop.basis.mean_squares()[k] : 1.0F;
    const float whole = diagonal + static_cast<float>(sums.weight) * mean_square;
    preconditioner[k] = whole > 0 ? 1.0F / whole : 0.0F;
  }
  loss -= gradients.run(kSteps, kNegligible * loss, [&](const float* p, float* product) {
    subtract_product(row, fixed, worker, p, product);
    for (std::size_t k = 0; k < unknowns; ++k) product[k] -= shared(k) * p[k];
  });

  const double norm = sum_of_squares(x, unknowns);
  if (!std::isfinite(norm) || !std::isfinite(loss)) {
    solve_row(row, fixed, workshop, worker, solved, result);
    return;
  }
  result.fit += std::max(loss - ridge * norm, 0.0);
  result.ridge += ridge * norm;
  std::copy_n(x, stride, solved.matrix.row(row));
  if (biases) solved.bias[row] = x[stride];
}

HalfStep::Result HalfStep::descend(Factors& fixed, Workshop& workshop, ThreadTeam& team,
                                   Factors& solved) const {
  sum_gram(fixed, workshop);
  workshop.basis.turn(workshop.gram, other_rows_, fixed, solved, team);
  return for_each_row(gradual_, fixed, workshop, team, solved,
                      [&](std::size_t row, Worker& worker, Result& result) {
                        descend_row(row, fixed, workshop, worker, solved, result);
                      });
}

}  // namespace als
