// How much each rating of a row has to do with a score.
#pragma once

#include <vector>

#include "core/fold_in/folded_row.h"

namespace als {

struct Explanation {
  FoldedRow row;                      ///< what the ratings give, as by fold_in()
  std::vector<double> contributions;  ///< of each rating to x . y
  double features = 0;                ///< and of the row's features; all add up to it
};

/// Explains the inner product of y, a vector of the side held fixed, and the x that these ratings
/// give (Hu, Koren and Volinsky 2008, section 5). With biases the row's own bias is a result of the
/// same ratings (and features), and has a part in x, but is itself no part of x . y.
Explanation explain(const RowObjective& objective, const RowRatings& ratings,
                    const BiasedView& fixed, const float* gram, const float* y, ThreadTeam& team,
                    const RowMean& mean = {});

}  // namespace als
