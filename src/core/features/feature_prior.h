// Where the features of a side's rows expect their factors.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "core/base/thread_team.h"
#include "core/features/feature_rows.h"
#include "core/kernels/kernels.h"
#include "core/linalg/factor_matrix.h"

namespace als {

/// The ridge of a side whose rows have features. In the place of lambda * sum over rows of W^e
/// |y|^2 there is
///
///   lambda / (1 + kappa) * (sum over rows of W^e (|y|^2 + kappa |y - C^T f|^2) + kappa mu |C|^2),
///
/// and likewise, with lambda_b, of biases. With m = B^T f, B being C times kappa / (1 + kappa), a
/// row's part is
///
///   lambda * W^e (|y - m|^2 + |m|^2 / kappa):
///
/// as strong as without features, and around m. So features that tell nothing, for which C is next
/// to 0, change nothing. mu is given in rows: as many as have the mean W^e. Rows without ratings
/// take no part: their mean is 0, as their factors are while a model is trained.
class FeaturePrior {
 public:
  /// row_weights: W^e, or 0 of a row without ratings. `features` must outlive it. regularization:
  /// mu, in rows of the mean weight; strength: kappa, above 0. B is 0 to begin with.
  FeaturePrior(const FeatureRows& features, std::vector<float> row_weights, double regularization,
               double strength, std::size_t factors, bool biases, ThreadTeam& team);

  /// Takes B towards the least ridge of these factors, from where it is, by a few steps of
  /// conjugate gradients. The ridge never rises but for rounding. The bits do not depend on the
  /// number of threads.
  void fit(const Factors& rows, ThreadTeam& team) { fit(rows, 0.0F, team); }

  /// The same, and then beyond it (Young 1954). Rows that lean on features follow them slowly, and
  /// those the rows: the stronger the prior, the farther this goes, so that strong ones do not need
  /// hundreds of iterations. As the ridge is least where the steps end, of all places on that line,
  /// going on by a part w of the way takes back w^2 of what they have lowered.
  void fit_and_go_on(const Factors& rows, ThreadTeam& team) { fit(rows, share_beyond(), team); }

  /// C, by feature: C^T f is where a row without ratings is put. The ridge towards zero is there
  /// against what few ratings tell by chance, and such a row has none.
  Factors coefficients() const;

  /// m of each row, and B, by feature.
  const Factors& means() const { return means_; }
  const Factors& weights() const { return weights_; }

  /// For a change of basis, which both follow.
  FactorMatrix& means_to_turn() { return means_.matrix; }
  FactorMatrix& weights_to_turn() { return weights_.matrix; }

  /// Where it is, and how another prior goes on from there.
  struct State {
    Factors weights;
    Factors means;
  };
  State take_state() { return {std::move(weights_), std::move(means_)}; }
  void go_on_from(State state) {
    weights_ = std::move(state.weights);
    means_ = std::move(state.means);
  }

  /// kappa.
  double strength() const { return strength_; }

  /// What lambda |B|^2 is multiplied with in the ridge: kappa / (1 + kappa) mu |C|^2 in terms of B.
  double ridge() const { return ridge_ * (1 + strength_) / strength_; }

  /// The ridge of B as a part of lambda, of the factors and of the biases.
  struct Squares {
    double factors;
    double biases;
  };
  Squares ridge_terms() const;

  /// Bytes that it takes at most.
  static std::size_t memory(std::size_t rows, std::size_t features, std::size_t entries,
                            std::size_t factors, bool biases);

 private:
  struct Segment {
    std::size_t feature;
    std::uint64_t begin;
    std::uint64_t end;
  };

  void plan();
  void add_rows(const AlignedVector<float>& rows, const CompressedRows& entries,
                std::uint64_t begin, std::uint64_t end, float* sum) const;
  void sum_over_rows(const AlignedVector<float>& by_row, AlignedVector<float>& by_feature,
                     ThreadTeam& team);
  void multiply_rows(const AlignedVector<float>& by_feature, AlignedVector<float>& by_row,
                     ThreadTeam& team) const;
  std::vector<double> dot(const AlignedVector<float>& a, const AlignedVector<float>& b,
                          ThreadTeam& team) const;
  float share_beyond() const;
  void fit(const Factors& rows, float beyond, ThreadTeam& team);
  void go_on(const Factors& start, float part);
  void take_residual(const Factors& rows, ThreadTeam& team);
  void compute_means(ThreadTeam& team);

  const Kernels& kernels_;
  const FeatureRows& features_;
  std::vector<float> row_weights_;
  std::size_t width_;  // floats of a row: its factors, padded, and a block for its bias
  double strength_;
  double ridge_;  // mu
  Factors weights_;
  Factors means_;
  std::vector<float> preconditioner_;  // by feature
  std::vector<std::size_t> runs_;      // of rows
  std::vector<Segment> segments_;      // of features
  AlignedVector<float> by_row_;        // width_ floats a row
  AlignedVector<float> sums_;          // of each segment
  AlignedVector<float> residual_;      // by feature, these three
  AlignedVector<float> direction_;
  AlignedVector<float> product_;
};

}  // namespace als
