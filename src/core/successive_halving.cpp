#include "core/successive_halving.h"

#include <algorithm>

namespace als {

namespace {
constexpr int kReduction = 3;
constexpr int kLeastIterations = 2;
constexpr std::size_t kLeastTrials = 2;
}  // namespace

std::vector<Rung> successive_halving(std::size_t trials, int iterations) {
  // From the last rung to the first, as long as there are trials that it would leave out.
  std::vector<int> budgets{iterations};
  std::size_t left = trials;
  while (left > kLeastTrials && budgets.back() > kLeastIterations) {
    budgets.push_back(std::max((budgets.back() + kReduction - 1) / kReduction, kLeastIterations));
    left = (left + kReduction - 1) / kReduction;
  }
  std::reverse(budgets.begin(), budgets.end());

  std::vector<Rung> rungs;
  left = trials;
  for (const int budget : budgets) {
    rungs.push_back({left, budget});
    left = std::max((left + kReduction - 1) / kReduction, std::min(left, kLeastTrials));
  }
  return rungs;
}

}  // namespace als
