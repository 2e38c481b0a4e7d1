// The factors of rows that training has not seen.
#pragma once

#include <functional>
#include <vector>

#include "core/base/thread_team.h"
#include "core/data/compressed_rows.h"
#include "core/linalg/factor_matrix.h"
#include "core/train/row_objective.h"

namespace als {

/// Where the features of a row expect it, and how strongly it leans on them: see FeaturePrior.
/// Null: nowhere.
struct RowMean {
  const float* factors = nullptr;
  float bias = 0;
  double strength = 0;
};

/// Takes a row of this ridge to where features expect it: adds to the right-hand side.
void lean(const RowMean& mean, const Ridge& ridge, const TrainOptions& options, float* rhs);

struct FoldedRow {
  std::vector<float> vector;
  float bias = 0;  ///< 0 without biases
};

/// What a half-step of training, in which every row is solved exactly, would give to a row with
/// these ratings, the other side being as it is: so for the ratings of a trained user the vector
/// that training ended with. Throws std::range_error where that is beyond the limits of a model's
/// numbers. gram: Y^T Y of the other side, see RowObjective::start_equations().
FoldedRow fold_in(const RowObjective& objective, const RowRatings& ratings, const BiasedView& fixed,
                  const float* gram, ThreadTeam& team, const RowMean& mean = {});

/// The same for n rows at once, on all threads. ratings_of(i), which may be called by any of them:
/// those of the i-th, at least one. means: of each, where features expect it, or null;
/// strength: how strongly it leans on these.
Factors fold_in_all(const RowObjective& objective, std::size_t n,
                    const std::function<RowRatings(std::size_t i)>& ratings_of,
                    const BiasedView& fixed, const float* gram, ThreadTeam& team,
                    const Factors* means = nullptr, double strength = 0);

/// The equations that fold_in() solves, but for the ridge.
NormalEquations equations_of(const RowObjective& objective, const RowRatings& ratings,
                             const BiasedView& fixed, const float* gram, ThreadTeam& team);

}  // namespace als
