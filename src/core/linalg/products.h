// Inner products of factor vectors.
#pragma once

#include <cstddef>
#include <vector>

#include "core/base/thread_team.h"
#include "core/linalg/factor_matrix.h"

namespace als {

/// a.b in single precision; n floats each, any alignment. The same bits for the same values whether
/// called here or through score_all.
float dot(const float* a, const float* b, std::size_t n);

/// a.b in double precision.
double dot_in_double(const float* a, const float* b, std::size_t n);
double dot_in_double(const float* a, const double* b, std::size_t n);

/// x.x in double precision.
inline double squared_norm(const std::vector<float>& x) {
  return dot_in_double(x.data(), x.data(), x.size());
}
inline double squared_norm(const FactorMatrix& matrix, std::size_t row) {
  return dot_in_double(matrix.row(row), matrix.row(row), matrix.cols());
}

/// The cosine of the angle between a and b, 0 where one of them is zero: of vectors of any finite
/// lengths, as squares of floats neither overflow nor underflow in double precision. Never beyond
/// 1 or -1, as what the quotient may be off by, 1e-13, is lost when it is rounded.
float cosine(const float* a, const float* b, std::size_t n);

/// The same from a.b, a.a and b.b.
float cosine(double ab, double aa, double bb);

/// scores[i] = base + bias[i] + user . items[i]; bias may be null (no bias added). scores has
/// items.rows entries; user has items.cols. Sum order: (base + bias[i]) + dot.
void score_all(const FactorView& items, const float* bias, float base, const float* user,
               float* scores);

/// Multiplies each row by a square matrix from the right, laid out as Kernels::transform takes it.
void transform(FactorMatrix& rows, const AlignedVector<float>& matrix, ThreadTeam& team);

}  // namespace als
