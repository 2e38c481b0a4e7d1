// A training, half-step by half-step, beside its objective.
#pragma once

#include <gtest/gtest.h>

#include <cmath>

#include "small_problem.h"

namespace als {

/// Five iterations and the end. Each loss is the objective's value and no larger than the last, and
/// what was solved exactly has a gradient below this part of the magnitudes that it is the sum of.
inline void descend(Trainer& trainer, const NaiveObjective& objective, double gradient) {
  double last = INFINITY;
  for (int half = 0; half < 11; ++half) {
    const bool by_user = half % 2 == 0;
    const double loss = half == 10 ? trainer.finish()
                        : by_user  ? trainer.solve_users()
                                   : trainer.solve_items();
    const double expected = objective.value(trainer);
    ASSERT_NEAR(loss, expected, 1e-5 * expected) << half;
    ASSERT_LE(loss, last * (1 + 1e-6)) << half;
    if (!trainer.cg() || half == 10) {
      ASSERT_LT(objective.largest_gradient(trainer, by_user), gradient) << half;
    }
    last = loss;
  }
}

}  // namespace als
