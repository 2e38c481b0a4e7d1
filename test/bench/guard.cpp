// Small problems whose instructions are counted: make bench-guard. The argument names one of them.

#include <cstdint>
#include <cstdio>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "core/data/ratings.h"
#include "core/train/training_loop.h"

namespace als {
namespace {

constexpr std::size_t kUsers = 200;
constexpr std::size_t kItems = 150;

Ratings draw_ratings(ThreadTeam& team) {
  std::mt19937_64 random(5);
  RatingBuffer buffer;
  for (std::uint32_t u = 0; u < kUsers; ++u) {
    for (std::uint32_t i = 0; i < kItems; ++i) {
      if (random() % 8 == 0) buffer.append(u, i, static_cast<float>(random() % 5 + 1));
    }
  }
  std::vector<std::uint32_t> ranks(kUsers);
  std::iota(ranks.begin(), ranks.end(), 0U);
  return {
      std::move(buffer), ranks, {ranks.begin(), ranks.begin() + kItems}, OnDuplicate::kLast, team};
}

int run(const std::string& problem) {
  TrainOptions options;
  options.iterations = 3;
  options.biases = true;
  if (problem == "direct") {
    options.solver = Solver::kDirect;
  } else if (problem == "implicit") {
    options.feedback = Feedback::kImplicit;
    options.biases = false;
    options.alpha = 10;
  } else if (problem != "explicit" && problem != "nothing") {
    std::fprintf(stderr, "als: no problem %s; there are nothing, explicit, implicit, direct\n",
                 problem.c_str());
    return 2;
  }
  ThreadTeam team(1);
  const Ratings ratings = draw_ratings(team);
  if (problem == "nothing") return 0;
  std::vector<std::uint64_t> keys(kItems);
  std::iota(keys.begin(), keys.end(), 0U);
  TrainingLoop loop(ratings, options, start_of_training(ratings, keys, options, team), team);
  while (!loop.finished()) loop.iterate();
  return 0;
}

}  // namespace
}  // namespace als

int main(int argc, char** argv) { return als::run(argc > 1 ? argv[1] : ""); }
