// How many threads make a training how much faster on this machine, and whether they leave the same
// bits: make bench-train. Arguments: millions of ratings (20), factors (64).

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <thread>
#include <vector>

#include "core/data/ratings.h"
#include "core/kernels/simd_level.h"
#include "core/train/training_loop.h"
#include "drawn_ratings.h"

namespace als {
namespace {

constexpr int kMeasured = 3;  // iterations

double wall_seconds() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

/// Of the bits of the loss and the items' factors (FNV-1a).
std::uint64_t hash_of(double loss, const FactorMatrix& factors) {
  std::uint64_t hash;
  std::memcpy(&hash, &loss, sizeof hash);
  for (std::size_t row = 0; row < factors.rows(); ++row) {
    for (std::size_t k = 0; k < factors.cols(); ++k) {
      std::uint32_t bits;
      std::memcpy(&bits, factors.row(row) + k, sizeof bits);
      hash = (hash ^ bits) * 0x100000001b3ULL;
    }
  }
  return hash;
}

void measure(const Ratings& ratings, const TrainOptions& options, int most_threads) {
  std::vector<std::uint64_t> keys(ratings.items());
  std::iota(keys.begin(), keys.end(), 0U);
  double alone = 0;
  std::uint64_t bits = 0;
  for (int threads = 1;; threads = std::min(2 * threads, most_threads)) {
    ThreadTeam team(threads);
    TrainingLoop loop(ratings, options, start_of_training(ratings, keys, options, team), team);
    loop.iterate();  // has one half-step more, and touches memory for the first time
    const double start = wall_seconds();
    for (int n = 0; n < kMeasured; ++n) loop.iterate();
    const double seconds = (wall_seconds() - start) / kMeasured;
    const std::uint64_t hash = hash_of(loop.loss().back(), loop.trainer().items().matrix);
    if (threads == 1) {
      alone = seconds;
      bits = hash;
    }
    std::printf("%-9s %4d %8d %12.3f %8.2f   %s\n",
                options.feedback == Feedback::kImplicit ? "implicit" : "explicit", options.factors,
                threads, seconds, alone / seconds, hash == bits ? "same" : "OTHER");
    std::fflush(stdout);
    if (threads == most_threads) break;
  }
}

int run(int argc, char** argv) {
  const double millions = argc > 1 ? std::atof(argv[1]) : 20;
  const int factors = argc > 2 ? std::atoi(argv[2]) : 64;
  const int most = static_cast<int>(std::thread::hardware_concurrency());
  ThreadTeam team(most);
  const Ratings ratings = draw_ratings(static_cast<std::size_t>(millions * 1e6), team);
  std::printf("%s, %zu ratings, %zu users, %zu items\n", simd_level_name(simd_level()),
              ratings.size(), ratings.users(), ratings.items());
  std::printf("feedback     K  threads  s/iteration  speedup  bits\n");
  TrainOptions options;
  options.factors = factors;
  options.iterations = kMeasured + 2;  // the last, which solves exactly, is not measured
  options.biases = true;
  measure(ratings, options, most);
  options.biases = false;
  options.feedback = Feedback::kImplicit;
  options.alpha = 10;
  options.regularization = 2;
  measure(ratings, options, most);
  return 0;
}

}  // namespace
}  // namespace als

int main(int argc, char** argv) { return als::run(argc, argv); }
