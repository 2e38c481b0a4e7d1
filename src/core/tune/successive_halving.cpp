// Computes the rungs: a third of the trials goes on, with three times the iterations.
#include "core/tune/successive_halving.h"

#include <algorithm>

namespace als {

namespace {
constexpr int kReduction = 3;
constexpr int kMinIterations = 2;
constexpr std::size_t kMinTrials = 2;
}  // namespace

std::vector<Rung> successive_halving(std::size_t trials, int iterations) {
  // From the last rung to the first, as long as there are trials that it would leave out.
  std::vector<int> budgets{iterations};
  std::size_t left = trials;
  while (left > kMinTrials && budgets.back() > kMinIterations) {
    budgets.push_back(std::max((budgets.back() + kReduction - 1) / kReduction, kMinIterations));
    left = (left + kReduction - 1) / kReduction;
  }
  std::reverse(budgets.begin(), budgets.end());

  std::vector<Rung> rungs;
  left = trials;
  for (const int budget : budgets) {
    rungs.push_back({left, budget});
    left = std::max((left + kReduction - 1) / kReduction, std::min(left, kMinTrials));
  }
  return rungs;
}

}  // namespace als
