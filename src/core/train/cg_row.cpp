// The diagonal part of a row's equations, the preconditioner, and when to stop.
#include "core/train/cg_row.h"

#include <algorithm>
#include <cmath>

namespace als {
namespace {

// A step is not worth its time if it lowers the loss of a row by less than this part of it.
constexpr double kNegligible = 1e-6;

// Where less than this is left of the loss at x = 0, it is summed up anew.
constexpr double kCancelled = 1e-4;

// As is that of a row which begins with this many times that loss: single precision leaves some
// 1e-7 of what it begins with.
constexpr double kFar = 4;

// Rows with fewer ratings than this, and fewer than so many times the factors, take all steps.
constexpr std::uint64_t kLongRow = 512;
constexpr std::uint64_t kLongRowFactors = 8;

}  // namespace

int cg_steps(const TrainOptions& options, std::uint64_t ratings) {
  const auto factors = static_cast<std::uint64_t>(options.factors);
  return ratings >= std::max(kLongRow, kLongRowFactors * factors) ? 1 : kCgSteps;
}

void unpack(const Factors& factors, std::size_t r, float* to) {
  const std::size_t stride = factors.matrix.stride();
  std::copy_n(factors.matrix.row(r), stride, to);
  if (factors.bias.empty()) return;
  std::fill_n(to + stride, kBlock, 0.0F);
  to[stride] = factors.bias[r];
}

void pack(const float* from, std::size_t r, Factors& factors) {
  const std::size_t stride = factors.matrix.stride();
  std::copy_n(from, stride, factors.matrix.row(r));
  if (!factors.bias.empty()) factors.bias[r] = from[stride];
}

CgEquations::CgEquations(const TrainOptions& options, const GramBasis& basis)
    : kernels_(kernels()),
      basis_(basis),
      implicit_(options.feedback == Feedback::kImplicit),
      biases_(options.biases),
      factors_(static_cast<std::size_t>(options.factors)),
      stride_(blocks_of(factors_) * kBlock) {}

CgDiagonal CgEquations::diagonal_of(const CgRow& row) const {
  return {implicit_ ? basis_.eigenvalues() : nullptr,
          basis_.mean_squares(),
          stride_,
          row.ridge,
          row.weight,
          row.extra};
}

/// What A[k][k] is on average, of a factor. The ratings' own part of it, the sum of w z_k^2, would
/// take another pass.
float CgEquations::mean_diagonal(const CgRow& row, std::size_t k) const {
  return (implicit_ ? basis_.eigenvalues()[k] : 0.0F) + row.ridge.others +
         row.weight * basis_.mean_squares()[k];
}

/// A ridge around where the row is, rho |x - x_0|^2, if its equations may be singular; else 0. What
/// lowers the sum of it and the loss lowers the loss, and a component that is rounding errors alone
/// cannot make x long: the next change of basis would spread what rounding leaves of that over all
/// other components.
float CgEquations::proximal_ridge(const CgRow& row) const {
  if (!basis_.singular()) return 0;
  float least = mean_diagonal(row, 0);
  float most = least;
  for (std::size_t k = 1; k < factors_; ++k) {
    least = std::min(least, mean_diagonal(row, k));
    most = std::max(most, mean_diagonal(row, k));
  }
  return least < GramBasis::kSingular * most ? GramBasis::kSingular * most : 0;
}

void CgEquations::precondition(CgRow& row) const {
  row.extra = proximal_ridge(row);
  kernels_.precondition(diagonal_of(row), row.gradients.vectors());
}

/// The ridge is r |x - m|^2: what it has beside r |x|^2.
void CgEquations::add_mean(CgRow& row) const {
  const float* x = row.gradients.x();
  const auto add = [&](std::size_t k, float ridge, float mean) {
    row.gradients.residual()[k] += ridge * mean;
    row.loss += static_cast<double>(ridge) * mean * (static_cast<double>(mean) - 2.0 * x[k]);
    row.targets += static_cast<double>(ridge) * mean * mean;
  };
  for (std::size_t k = 0; k < factors_; ++k) add(k, row.ridge.others, row.mean[k]);
  if (biases_) add(stride_, row.ridge.last, row.bias_mean);
}

void CgEquations::start(CgRow& row) const {
  row.loss += kernels_.subtract_diagonal(diagonal_of(row), row.gradients.vectors());
  if (row.mean != nullptr) add_mean(row);
  precondition(row);
  row.gradients.start();
}

bool CgEquations::is_active(const CgRow& row) {
  return row.gradients.decrease() > kNegligible * row.loss;
}

void CgEquations::step(CgRow& row) const {
  kernels_.subtract_diagonal_product(diagonal_of(row), row.gradients.vectors());
  row.gradients.step();
}

void CgEquations::last_step(CgRow& row) const {
  row.gradients.last_step(row.curvature +
                          kernels_.diagonal_curvature(diagonal_of(row), row.gradients.vectors()));
}

CgEquations::Outcome CgEquations::outcome(const CgRow& row) const {
  const float* x = row.gradients.x();
  double norm = 0;
  if (row.mean == nullptr) {
    norm = kernels_.dot_in_double(x, x, stride_);
  } else {
    for (std::size_t k = 0; k < stride_; ++k) {
      const double from_mean = static_cast<double>(x[k]) - row.mean[k];
      norm += from_mean * from_mean;
    }
  }
  double ridge = row.ridge.others * norm;
  if (biases_) {
    const double from_mean = static_cast<double>(x[stride_]) - row.bias_mean;
    ridge += row.ridge.last * from_mean * from_mean;
  }
  const double loss = row.loss - row.gradients.lowered();
  return {loss, ridge, std::isfinite(ridge) && std::isfinite(loss),
          row.extra > 0 || loss < kCancelled * row.targets || row.loss > kFar * row.targets};
}

}  // namespace als
