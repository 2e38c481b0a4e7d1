// What features say of rows that nobody has rated, where that counts against them.
#pragma once

#include "core/base/thread_team.h"
#include "core/linalg/factor_matrix.h"

namespace als {

/// Weights of features for rows without ratings: C' in the place of C of FeaturePrior, so that
/// C'^T f is where
///
///   s * sum over rows x of the other side of (x . y)^2  +  r |y - C^T f|^2
///
/// is least: y = r (s X^T X + r I)^-1 C^T f. With s = 1 the first sum is what the objective of
/// implicit feedback has for a row whose cells are all unobserved (Hu, Koren, Volinsky 2008), and
/// y is shrunk most where the other side's vectors are longest. y is linear in f, and the matrix is
/// the same for all rows.
/// shrinkage: s, above 0; ridge: r of a row without ratings, above 0. Without biases. Throws
/// std::range_error where X^T X is not finite. The bits do not depend on the number of threads.
Factors unrated_weights(Factors weights, const FactorView& others, double shrinkage, double ridge,
                        ThreadTeam& team);

}  // namespace als
