// The half-steps that a training is made of, wherever they run.
#pragma once

#include <cstddef>

namespace als {

/// A training is solve_users(), then for each iteration solve_items() and solve_users(), the last
/// of them by finish().
class HalfSteps {
 public:
  virtual ~HalfSteps() = default;

  /// One half-step: takes every user (item) row towards the solution for the other side held fixed,
  /// or beyond it, see OverRelaxation. Returns the value of the objective after it, which never
  /// rises but for rounding.
  virtual double solve_users() = 0;
  virtual double solve_items() = 0;

  /// Solves every user row exactly. Returns the value of the objective.
  virtual double finish() = 0;

  /// Row solves that single precision was not enough for.
  virtual std::size_t refined_rows() const = 0;
};

/// By how much more of its way a half-step of conjugate gradients takes each row, after two steps
/// towards its solution (Young 1954). Half-steps then wait less for each other: what 15 iterations
/// without lead to is reached in about 8.
///
/// On the line from where it was, a row's quadratic is least where the steps end. Going on by a
/// part w of the way takes back w^2 of what they have lowered, so that the objective cannot rise.
class OverRelaxation {
 public:
  /// begun: whether the training has had an iteration already.
  explicit OverRelaxation(bool begun) : half_steps_(begun ? kFirst : 0) {}

  /// For the next half-step. The first ones find the way; going on from there would lead astray.
  float next() { return half_steps_ < kFirst ? (++half_steps_, 0.0F) : kShare; }

 private:
  static constexpr int kFirst = 3;
  static constexpr float kShare = 0.6F;
  int half_steps_;
};

}  // namespace als
