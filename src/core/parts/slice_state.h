// A slice of the items, unpacked.
#pragma once

#include <cstdint>
#include <vector>

#include "core/kernels/kernels.h"
#include "core/linalg/factor_matrix.h"
#include "core/parts/step_lengths.h"
#include "core/pieces/rounded_factors.h"
#include "core/pieces/side_sums.h"
#include "core/pieces/step.h"

namespace als {

struct SliceReport {
  std::uint32_t slice = 0;
  std::uint64_t number = 0;  ///< of the step after which this is so
  std::uint64_t active = 0;  ///< rows that want another step
  std::uint64_t doubts = 0;  ///< rows that are to be compared with where they were
  double fit = 0;
  double ridge = 0;
  double bias_ridge = 0;  ///< the biases' part of the ridge
  std::uint64_t refined_rows = 0;
  SideSums sums;  ///< between half-steps

  bool at_rest() const { return active == 0 && doubts == 0; }

  Bytes bytes(const PartsTraining& training) const;
  static SliceReport read(ByteView& pieces, const PartsTraining& training);
};

/// Vectors of a slice's rows in the middle of a half-step, see CgRow.
struct SliceRows {
  Factors x;
  Factors residual;
  /// As parts have them: in the basis of the users as they are stored, and rounded. Of all rows:
  /// those of Step::kProduct, once that is done, and those of the next step.
  Factors product_direction;
  ColumnExponents product_columns;
  Factors direction;
  ColumnExponents direction_columns;
  std::vector<StepLengths> lengths;
  std::vector<double> lowered;
  std::vector<double> loss;
  std::vector<double> targets;
};

struct SliceState {
  PartsTraining training;
  std::uint32_t slice;
  SliceReport report;

  UninitializedVector<std::uint32_t> counts;  ///< ratings
  UninitializedVector<float> weights;         ///< see HalfStep
  UninitializedVector<float> ridges;
  UninitializedVector<float> bias_ridges;  ///< empty without biases

  /// As the last half-step left them, turned by Step::kUsers: in the basis of the users as they are
  /// stored.
  Factors factors;

  /// Between half-steps: how far the last one has gone. Empty before the first: then parts get the
  /// factors themselves.
  std::vector<StepLengths> lengths;
  bool sent = false;  ///< whether parts have got that

  // In the middle of a half-step.
  SliceRows rows;
  UninitializedVector<std::uint8_t> marks;  ///< rows that are active, or in doubt

  std::size_t size() const { return counts.size(); }
  bool implicit() const { return training.options.feedback == Feedback::kImplicit; }
  Ridge ridge(std::size_t row) const {
    return {ridges[row], bias_ridges.empty() ? ridges[row] : bias_ridges[row]};
  }
  /// Rows without ratings, which are zero from the first half-step on.
  std::vector<std::uint32_t> unrated() const;
  /// The marked rows.
  std::vector<std::uint32_t> marked() const;
  /// Those of which a step has the block. Rows that take one step, see cg_steps(), take it with the
  /// last of the others: of that a number comes back, and of those before a vector.
  std::vector<std::uint32_t> rows_of(Step step) const;

  Bytes bytes() const;
  static SliceState read(ByteView bytes);
};

}  // namespace als
