// Gram matrices in double precision, summed in single precision over segments of rows.
#include "core/pieces/side_sums.h"

#include "core/base/limits.h"
#include "core/linalg/gram.h"

namespace als {
namespace {

using Matrix = Eigen::MatrixXd;
using Index = Eigen::Index;

constexpr std::size_t kColumnsPerBlock = 16;

void put_lower(const Matrix& matrix, PieceWriter& writer) {
  for (Index c = 0; c < matrix.cols(); ++c) {
    writer.put(matrix.data() + c * matrix.rows() + c, static_cast<std::size_t>(matrix.rows() - c));
  }
}

Matrix read_lower(PieceReader& reader, std::size_t factors) {
  expect(factors * (factors + 1) / 2 * sizeof(double) <= reader.left(),
         "a piece is shorter than its contents");
  const auto n = static_cast<Index>(factors);
  Matrix matrix(n, n);
  for (Index c = 0; c < n; ++c) {
    double* column = matrix.data() + c * n + c;
    reader.get(column, static_cast<std::size_t>(n - c));
    expect_finite(column, static_cast<std::size_t>(n - c));
    for (Index r = c; r < n; ++r) matrix(c, r) = matrix(r, c);
  }
  return matrix;
}

}  // namespace

Matrix product(const Matrix& a, const Matrix& b, ThreadTeam& team) {
  Matrix result(a.rows(), b.cols());
  team.for_each_block(static_cast<std::size_t>(b.cols()), kColumnsPerBlock,
                      [&](std::size_t begin, std::size_t end, int) {
                        const auto first = static_cast<Index>(begin);
                        const auto n = static_cast<Index>(end - begin);
                        result.middleCols(first, n).noalias() = a * b.middleCols(first, n);
                      });
  return result;
}

SideSums::SideSums(std::size_t factors, bool implicit) : implicit_(implicit) {
  const auto n = static_cast<Index>(factors);
  if (implicit) gram_ = Matrix::Zero(n, n);
  counts_ = Matrix::Zero(n, n);
  ridges_ = Matrix::Zero(n, n);
}

void SideSums::add(const FactorView& rows, const Weight& counts, const Weight& ridges,
                   const std::function<TermAccumulator&(int thread)>& terms,
                   SegmentedSum& segmented_sum, std::size_t unknowns) {
  NormalEquations sum(unknowns);
  const auto add_to = [&](Matrix& matrix, const Weight& weight) {
    sum.clear();
    sum_gram(rows, weight, terms, segmented_sum, sum);
    for (Index r = 0; r < matrix.rows(); ++r) {
      for (Index c = 0; c < matrix.rows(); ++c) {
        matrix(r, c) += sum.at(static_cast<std::size_t>(r), static_cast<std::size_t>(c));
      }
    }
  };
  if (implicit_) add_to(gram_, [](std::uint64_t) { return 1.0F; });
  add_to(counts_, counts);
  add_to(ridges_, ridges);
}

void SideSums::add(const SideSums& other) {
  if (implicit_) gram_ += other.gram_;
  counts_ += other.counts_;
  ridges_ += other.ridges_;
}

void SideSums::turn(const Matrix& basis, ThreadTeam& team) {
  const auto turn_one = [&](Matrix& sum) {
    sum = product(basis.transpose(), product(sum, basis, team), team);
  };
  if (implicit_) turn_one(gram_);
  turn_one(counts_);
  turn_one(ridges_);
}

std::vector<double> SideSums::diagonal_in(const Matrix& sum, const Matrix& basis,
                                          ThreadTeam& team) {
  const Matrix turned = product(sum, basis, team);
  std::vector<double> diagonal;
  for (Index k = 0; k < basis.cols(); ++k) diagonal.push_back(basis.col(k).dot(turned.col(k)));
  return diagonal;
}

void SideSums::put(PieceWriter& writer) const {
  if (!counts_.allFinite() || !ridges_.allFinite() || !gram_.allFinite()) throw_ratings_too_large();
  if (implicit_) put_lower(gram_, writer);
  put_lower(counts_, writer);
  put_lower(ridges_, writer);
}

SideSums SideSums::read(PieceReader& reader, std::size_t factors, bool implicit) {
  SideSums sums;
  sums.implicit_ = implicit;
  if (implicit) sums.gram_ = read_lower(reader, factors);
  sums.counts_ = read_lower(reader, factors);
  sums.ridges_ = read_lower(reader, factors);
  return sums;
}

}  // namespace als
