// Eigenvectors by Householder's reduction to a tridiagonal matrix and the QR algorithm.
#include "core/linalg/eigenbasis.h"

#include <Eigen/Householder>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <stdexcept>

#include "core/kernels/kernels.h"

// Eigen's own solver has the same three stages, but takes two seconds for 1024 factors on one
// thread and cannot be interrupted.

namespace als {
namespace {

using Eigen::Index;

constexpr Index kPanelRows = 8;
constexpr std::size_t kSweepsPerBatch = 64;
constexpr std::size_t kSweepsAnEigenvalue = 30;         // at most; two are usual
constexpr Index kMultiplyAddsPerStep = Index{1} << 22;  // some milliseconds

/// Rows of the matrix of eigenvectors. Whatever multiplies that from the right does so to each
/// panel on its own, in the cache.
using Panel = Eigen::Matrix<double, kPanelRows, Eigen::Dynamic>;

Eigen::MatrixXd dense(const float* gram, std::size_t size) {
  const auto n = static_cast<Index>(size);
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(n, n);
  for (Index c = 0; c < n; ++c) {
    for (Index r = c; r < n; ++r) {
      matrix(r, c) = gram[matrix_index(static_cast<std::size_t>(r), static_cast<std::size_t>(c))];
    }
  }
  return matrix;
}

/// T = Q^T A Q, tridiagonal. Q is a product of reflections H_k = I - tau v v^T, the first element
/// of v, which is 1, in row k + 1. (Golub, Van Loan: Matrix Computations, 8.3.1.)
class Tridiagonal {
 public:
  /// `matrix`: its lower triangle, and zeros.
  Tridiagonal(Eigen::MatrixXd matrix, ThreadTeam& team) : matrix_(std::move(matrix)) {
    const Index n = matrix_.rows();
    taus_.setZero(n);
    subdiagonal.setZero(n);
    Eigen::VectorXd w(n);
    for (Index k = 0; k < n - 1;) {
      const Index rest = n - 1 - k;
      const Index end = std::min(k + 1 + kMultiplyAddsPerStep / (2 * rest * rest), n - 1);
      team.for_each_block(1, 1, [&](std::size_t, std::size_t, int) {
        for (; k < end; ++k) reflect(k, w);
      });
    }
    diagonal = matrix_.diagonal();
  }

  /// The panel's rows of Q.
  void start(Index first_row, Panel& panel) const {
    const Index n = matrix_.rows();
    panel.setZero(kPanelRows, n);
    for (Index row = first_row; row < std::min(first_row + kPanelRows, n); ++row) {
      panel(row - first_row, row) = 1;
    }
    Eigen::Matrix<double, kPanelRows, 1> workspace;
    for (Index k = 0; k < n - 1; ++k) {
      panel.rightCols(n - 1 - k).applyHouseholderOnTheRight(matrix_.col(k).tail(n - 2 - k),
                                                            taus_[k], workspace.data());
    }
  }

  Eigen::VectorXd diagonal;
  Eigen::VectorXd subdiagonal;  // [k]: of columns k and k + 1; the last is zero

 private:
  /// A -= v w^T + w v^T with w = p - (tau / 2) (p^T v) v, p = tau A v.
  void reflect(Index k, Eigen::VectorXd& workspace) {
    const Index rest = matrix_.rows() - 1 - k;
    auto v = matrix_.col(k).tail(rest);
    double beta = 0;
    v.makeHouseholderInPlace(taus_[k], beta);
    subdiagonal[k] = beta;
    v[0] = 1;
    auto below = matrix_.bottomRightCorner(rest, rest).template selfadjointView<Eigen::Lower>();
    auto w = workspace.tail(rest);
    w.noalias() = below * (taus_[k] * v);
    w -= taus_[k] / 2 * w.dot(v) * v;
    below.rankUpdate(v, w, -1);
  }

  Eigen::MatrixXd matrix_;  // below the diagonal the reflections
  Eigen::VectorXd taus_;
};

/// One sweep of the QR algorithm with Wilkinson's shift over T from `begin` to `end`, in which no
/// subdiagonal element is zero. (Golub, Van Loan, 8.3.5.)
void sweep(Tridiagonal& t, Index begin, Index end, std::vector<PlaneRotation>& rotations) {
  Eigen::VectorXd& d = t.diagonal;
  Eigen::VectorXd& e = t.subdiagonal;
  const double half = (d[end - 1] - d[end]) / 2;
  const double last = e[end - 1];
  const double shift = d[end] - last * last / (half + std::copysign(std::hypot(half, last), half));
  // What the next rotation turns onto the subdiagonal, and what it is to make zero.
  double x = d[begin] - shift;
  double z = e[begin];
  for (Index k = begin; k < end; ++k) {
    const double r = std::sqrt(x * x + z * z);  // squares of what floats add up to do not overflow
    const double c = r > 0 ? x / r : 1.0;
    const double s = r > 0 ? -z / r : 0.0;
    if (k > begin) e[k - 1] = r;
    const double a = d[k];
    const double b = e[k];
    const double f = d[k + 1];
    d[k] = c * c * a - 2 * c * s * b + s * s * f;
    d[k + 1] = s * s * a + 2 * c * s * b + c * c * f;
    e[k] = c * s * (a - f) + (c * c - s * s) * b;
    x = e[k];
    if (k + 1 < end) {
      z = -s * e[k + 1];
      e[k + 1] *= c;
    }
    rotations.push_back({static_cast<std::size_t>(k), c, s});
  }
}

/// Leaves T diagonal.
void diagonalize(Tridiagonal& t, std::vector<Panel>& panels, ThreadTeam& team) {
  const Index n = t.diagonal.size();
  // The Gram matrix itself is off by more than what this neglects.
  const double negligible =
      std::numeric_limits<double>::epsilon() *
      (t.diagonal.cwiseAbs().maxCoeff() + t.subdiagonal.cwiseAbs().maxCoeff());
  const auto is_zero = [&](Index k) { return std::fabs(t.subdiagonal[k]) <= negligible; };
  std::vector<PlaneRotation> rotations;
  std::size_t sweeps = 0;
  for (Index end = n - 1; end > 0;) {
    rotations.clear();
    for (std::size_t batch = 0; batch < kSweepsPerBatch && end > 0; ++batch) {
      while (end > 0 && is_zero(end - 1)) --end;
      if (end == 0) break;
      Index begin = end - 1;
      while (begin > 0 && !is_zero(begin - 1)) --begin;
      if (++sweeps > kSweepsAnEigenvalue * static_cast<std::size_t>(n)) {
        throw std::runtime_error("no eigenvectors were found");
      }
      sweep(t, begin, end, rotations);
    }
    team.for_each_block(panels.size(), 1, [&](std::size_t panel, std::size_t, int) {
      kernels().rotate_columns(panels[panel].data(), rotations.data(), rotations.size());
    });
  }
}

/// As Kernels::transform takes it: column c is that of the panels in columns[c].
AlignedVector<float> in_blocks(const std::vector<Panel>& panels,
                               const std::vector<std::size_t>& columns) {
  const std::size_t n = columns.size();
  AlignedVector<float> blocks(blocks_of(n) * n * kBlock, 0.0F);
  for (std::size_t c = 0; c < n; ++c) {
    for (std::size_t r = 0; r < n; ++r) {
      blocks[(c / kBlock * n + r) * kBlock + c % kBlock] =
          static_cast<float>(panels[r / kPanelRows](static_cast<Index>(r % kPanelRows),
                                                    static_cast<Index>(columns[c])));
    }
  }
  return blocks;
}

}  // namespace

std::optional<Eigenbasis> eigenbasis(const float* gram, std::size_t n, ThreadTeam& team) {
  Eigen::MatrixXd matrix = dense(gram, n);
  if (!matrix.allFinite()) return std::nullopt;
  Tridiagonal t(std::move(matrix), team);
  std::vector<Panel> panels((n + kPanelRows - 1) / kPanelRows);
  team.for_each_block(panels.size(), 1, [&](std::size_t panel, std::size_t, int) {
    t.start(static_cast<Index>(panel) * kPanelRows, panels[panel]);
  });
  diagonalize(t, panels, team);

  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  const auto value = [&](std::size_t k) { return t.diagonal[static_cast<Index>(k)]; };
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return value(a) > value(b) || (value(a) == value(b) && a < b);
  });
  std::vector<double> eigenvalues;
  std::transform(order.begin(), order.end(), std::back_inserter(eigenvalues), value);
  return Eigenbasis{eigenvalues, in_blocks(panels, order)};
}

std::size_t eigenbasis_memory(std::size_t n) {
  const std::size_t rows = n + kPanelRows;  // of all panels, at most
  return n * n * sizeof(double) + rows * n * (sizeof(double) + sizeof(float)) +
         2 * kSweepsPerBatch * n * sizeof(PlaneRotation);  // twice: a vector grows by doubling
}

}  // namespace als
