// The half-steps that a training is made of, wherever they run.
#pragma once

#include <cstddef>

namespace als {

/// A training is solve_users(), then for each iteration solve_items() and solve_users(), the last
/// of them by finish().
class HalfSteps {
 public:
  virtual ~HalfSteps() = default;

  /// One half-step: takes every user (item) row towards the solution for the other side held fixed.
  /// Returns the value of the objective after it, which never rises but for rounding.
  virtual double solve_users() = 0;
  virtual double solve_items() = 0;

  /// Solves every user row exactly. Returns the value of the objective.
  virtual double finish() = 0;

  /// Row solves that single precision was not enough for.
  virtual std::size_t refined_rows() const = 0;
};

}  // namespace als
