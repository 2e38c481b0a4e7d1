// Sums over the vectors of one side, from which a basis is made.
#pragma once

#include <Eigen/Core>
#include <cstddef>
#include <functional>
#include <vector>

#include "core/base/thread_team.h"
#include "core/linalg/factor_matrix.h"
#include "core/linalg/segmented_sum.h"
#include "core/linalg/term_accumulator.h"
#include "core/pieces/pieces.h"

namespace als {

/// What GramBasis::turn() sums over turned vectors follows from these sums over the vectors as they
/// are: in another basis, y B, each sum S of g y^T y is B^T S B.
class SideSums {
 public:
  SideSums() = default;
  /// implicit: whether the Gram matrix is another sum than that weighed by counts.
  SideSums(std::size_t factors, bool implicit);

  /// Adds a side's vectors, of which row r has been rated counts(r) times and has the ridge
  /// ridges(r). terms(thread): where that thread gathers them.
  using Weight = std::function<float(std::uint64_t row)>;
  void add(const FactorView& rows, const Weight& counts, const Weight& ridges,
           const std::function<TermAccumulator&(int thread)>& terms, SegmentedSum& segmented_sum,
           std::size_t unknowns);
  void add(const SideSums& other);

  /// The same of y B.
  void turn(const Eigen::MatrixXd& basis, ThreadTeam& team);

  /// Of the components of y B, the sums weighed by counts and by ridges.
  std::vector<double> squares_in(const Eigen::MatrixXd& basis, ThreadTeam& team) const {
    return diagonal_in(counts_, basis, team);
  }
  std::vector<double> ridges_in(const Eigen::MatrixXd& basis, ThreadTeam& team) const {
    return diagonal_in(ridges_, basis, team);
  }

  /// As it is in the equations of the other side's rows: see HalfStep.
  const Eigen::MatrixXd& gram() const { return implicit_ ? gram_ : counts_; }
  /// The vectors' part in the objective.
  double ridge() const { return ridges_.trace(); }

  void put(PieceWriter& writer) const;
  static SideSums read(PieceReader& reader, std::size_t factors, bool implicit);

 private:
  static std::vector<double> diagonal_in(const Eigen::MatrixXd& sum, const Eigen::MatrixXd& basis,
                                         ThreadTeam& team);
  bool implicit_ = false;
  Eigen::MatrixXd gram_;  // empty unless implicit_
  Eigen::MatrixXd counts_;
  Eigen::MatrixXd ridges_;
};

/// a * b, on all threads.
Eigen::MatrixXd product(const Eigen::MatrixXd& a, const Eigen::MatrixXd& b, ThreadTeam& team);

}  // namespace als
