// Where a training's time goes, and what the processor could do: make bench-profile. Arguments:
// millions of ratings (20), factors (64).
//
// On one thread, in processor seconds. Operations and bytes are counted by formula, n ratings and
// vectors of K floats:
//
//   pass of conjugate gradients       2 n K for the products and, but for the last, 2 n K for the
//                                     sum; 4 n K bytes of vectors
//   sum of equations                  n K (K + 1)
//   factorising and solving a row     K^3 / 3 + 2 K^2
//   Gram matrix of R rows             R K (K + 1); 4 R K bytes
//   rotating R rows                   2 R K^2; 8 R K bytes
//
// and the peaks are measured: multiply-adds in registers, a sum over memory in order, and sums of
// vectors in no order, from memory and from the second-level cache.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include "core/data/ratings.h"
#include "core/kernels/kernels.h"
#include "core/kernels/simd_level.h"
#include "core/linalg/eigenbasis.h"
#include "core/linalg/gram.h"
#include "core/linalg/products.h"
#include "core/train/cg_row.h"
#include "core/train/initial_factors.h"
#include "core/train/trainer.h"
#include "drawn_ratings.h"
#include "processor_time.h"

namespace als {
namespace {

template <class Run>
double seconds_of(const Run& run) {
  const double start = processor_seconds();
  run();
  return processor_seconds() - start;
}

template <class Run>
double least_seconds_of(const Run& run) {
  double least = seconds_of(run);
  for (int n = 0; n < 4; ++n) least = std::min(least, seconds_of(run));
  return least;
}

constexpr std::size_t kMultiplyAdds = std::size_t{1} << 26;

/// As many sums as hide the latency of a multiply-add.
template <class Vector, int kSums>
ALS_INLINE float multiply_adds(float factor) {
  Vector sums[kSums];
  volatile float different = 0;  // lest they be one
  for (Vector& sum : sums) sum = (different = different + 1) - Vector{};
  const Vector factors = factor - Vector{};
  for (std::size_t n = 0; n < kMultiplyAdds; ++n) {
#pragma GCC unroll 16
    for (Vector& sum : sums) sum = sum * factors + factors;
  }
  float total = 0;
  for (const Vector& sum : sums) total += sum[0];
  return total;
}

typedef float FourFloats __attribute__((vector_size(16)));
float narrow_multiply_adds(float factor) { return multiply_adds<FourFloats, 8>(factor); }
#if defined(__x86_64__)
typedef float EightFloats __attribute__((vector_size(32)));
typedef float SixteenFloats __attribute__((vector_size(64)));
__attribute__((target("avx2,fma"))) float wide_multiply_adds(float factor) {
  return multiply_adds<EightFloats, 10>(factor);
}
__attribute__((target("avx512f"))) float widest_multiply_adds(float factor) {
  return multiply_adds<SixteenFloats, 10>(factor);
}
#endif

/// GFLOP/s of this level's instructions.
double peak_operations() {
  volatile float kept = 0.5F;
  const auto giga = [&](int floats, float (*run)(float)) {
    return 2e-9 * floats * static_cast<double>(kMultiplyAdds) /
           least_seconds_of([&] { kept = run(kept) > 0 ? 0.5F : 0.25F; });
  };
#if defined(__x86_64__)
  if (simd_level() >= SimdLevel::kAvx512) return giga(160, widest_multiply_adds);
  if (simd_level() == SimdLevel::kAvx2) return giga(80, wide_multiply_adds);
#endif
  return giga(32, narrow_multiply_adds);
}

/// GB/s of a sum over memory, in order.
double peak_of_memory() {
  const std::vector<float> values(std::size_t{1} << 27, 1.0F);
  volatile float kept = 0;
  const double seconds = least_seconds_of([&] {
    FourFloats sums[8] = {};
    for (std::size_t k = 0; k < values.size(); k += 32) {
      for (std::size_t v = 0; v < 8; ++v) {
        FourFloats part;
        __builtin_memcpy(&part, values.data() + k + 4 * v, sizeof part);
        sums[v] += part;
      }
    }
    for (const FourFloats& sum : sums) kept = kept + sum[0];
  });
  return 1e-9 * static_cast<double>(values.size() * sizeof(float)) / seconds;
}

/// GB/s of sums of vectors in no order, from so many bytes of them.
double peak_of_vectors(std::size_t bytes, std::size_t factors, ThreadTeam& team) {
  TrainOptions options;
  options.factors = static_cast<int>(factors);
  options.biases = false;
  const FactorMatrix vectors =
      zero_factors(bytes / sizeof(float) / (blocks_of(factors) * kBlock), options, team).matrix;
  constexpr std::size_t kSummed = std::size_t{1} << 21;
  std::mt19937 random(3);
  std::vector<std::uint32_t> columns(kSummed);
  for (std::uint32_t& column : columns)
    column = static_cast<std::uint32_t>(random() % vectors.rows());
  const std::vector<float> ones(kSummed + kBlock, 1.0F);
  AlignedVector<float> sum(vectors.stride(), 0.0F);
  const double seconds = least_seconds_of([&] {
    kernels().add_vectors({vectors.row(0), vectors.stride(), columns.data(), kSummed, kSummed, 0.0F,
                           1.0F, ones.data(), ones.data(), ones.data()},
                          sum.data());
  });
  return 1e-9 * static_cast<double>(kSummed * vectors.stride() * sizeof(float)) / seconds;
}

struct Work {
  double operations;
  double bytes;
};

/// Passes of conjugate gradients over all rows of a side.
Work passes(const CompressedRows& rows, const TrainOptions& options) {
  Work work{0, 0};
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const auto floats = static_cast<double>(rows.row_size(row)) * options.factors;
    const int steps = cg_steps(options, rows.row_size(row));
    work.operations += (4.0 * steps + 2) * floats;
    work.bytes += 4.0 * (steps + 1) * floats;
  }
  return work;
}

class Profile {
 public:
  Profile(const Ratings& ratings, int factors, ThreadTeam& team)
      : factors_(static_cast<std::size_t>(factors)),
        operations_(peak_operations()),
        cache_(peak_of_vectors(std::size_t{1} << 19, factors_, team)) {
    std::printf(
        "%s, one core: %.0f GFLOP/s; memory %.1f GB/s in order; vectors in no order, GB/s: %.1f "
        "from memory, %.1f from the second-level cache\n\n",
        simd_level_name(simd_level()), operations_, peak_of_memory(),
        peak_of_vectors(std::size_t{1} << 28, factors_, team), cache_);
    std::printf(
        "| feedback | phase | seconds | GFLOP/s | of the peak | GB/s | of the cache's |\n"
        "|---|---|---|---|---|---|---|\n");
    measure(ratings, Feedback::kImplicit, team);
    measure(ratings, Feedback::kExplicit, team);
  }

 private:
  void print(const char* phase, double seconds, const Work& work) const {
    const double operations = 1e-9 * work.operations / seconds;
    const double bytes = 1e-9 * work.bytes / seconds;
    std::printf("| %s | %s | %.3f | %.1f | %.0f %% | %.1f | %.0f %% |\n", feedback_, phase, seconds,
                operations, 100 * operations / operations_, bytes, 100 * bytes / cache_);
    std::fflush(stdout);
  }

  /// The Gram matrix of `fixed` and the change of basis, which begin a half-step; how long.
  double prepare(const Factors& fixed, const Factors& solved, const char* name,
                 ThreadTeam& team) const {
    const auto k = static_cast<double>(factors_);
    const auto rows = static_cast<double>(fixed.matrix.rows());
    const auto all = static_cast<double>(fixed.matrix.rows() + solved.matrix.rows());
    NormalEquations gram(factors_);
    const double sum = seconds_of([&] { gram = gram_of(fixed.matrix.view(), team); });
    FactorMatrix copies[] = {fixed.matrix, solved.matrix};
    const double turn = seconds_of([&] {
      const auto basis = eigenbasis(gram.matrix(), factors_, team);
      for (FactorMatrix& copy : copies) transform(copy, basis->rotation, team);
    });
    char phase[64];
    std::snprintf(phase, sizeof phase, "Gram matrix of %s", name);
    print(phase, sum, {rows * k * (k + 1), rows * k * 4});
    std::snprintf(phase, sizeof phase, "change of basis, %s fixed", name);
    print(phase, turn, {2 * all * k * k, 8 * all * k});
    return sum + turn;
  }

  void measure(const Ratings& ratings, Feedback feedback, ThreadTeam& team) {
    feedback_ = feedback == Feedback::kImplicit ? "implicit" : "explicit";
    TrainOptions options;
    options.factors = static_cast<int>(factors_);
    options.feedback = feedback;
    options.biases = feedback == Feedback::kExplicit;
    if (feedback == Feedback::kImplicit) options.regularization = 100;
    std::vector<std::uint64_t> keys(ratings.items());
    std::iota(keys.begin(), keys.end(), 0U);
    Trainer trainer(ratings, options, keys, team);
    trainer.solve_users();
    trainer.solve_items();
    trainer.solve_users();
    const double before_items = prepare(trainer.users(), trainer.items(), "users", team);
    const double items = seconds_of([&] { trainer.solve_items(); });
    print("passes for items, with their loss", items - before_items,
          passes(ratings.by_item(), options));
    const double before_users = prepare(trainer.items(), trainer.users(), "items", team);
    const double users = seconds_of([&] { trainer.solve_users(); });
    print("passes for users, with their loss", users - before_users,
          passes(ratings.by_user(), options));
    std::printf("| %s | **an iteration** | **%.3f** | | | | |\n", feedback_, items + users);
    const auto k = static_cast<double>(factors_);
    const auto n = static_cast<double>(ratings.size());
    const auto rows = static_cast<double>(ratings.users());
    print("last half-step, exact", seconds_of([&] { trainer.finish(); }),
          {n * k * (k + 1) + rows * (k * k * k / 3 + 2 * k * k), 4 * n * k});
  }

  std::size_t factors_;
  double operations_;
  double cache_;
  const char* feedback_ = "";
};

int run(int argc, char** argv) {
  const double millions = argc > 1 ? std::atof(argv[1]) : 20;
  const int factors = argc > 2 ? std::atoi(argv[2]) : 64;
  ThreadTeam team(1);
  const auto count = static_cast<std::size_t>(millions * 1e6);
  RatingBuffer entries = draw_entries(count);
  const double start = processor_seconds();
  const Ratings ratings = pack_drawn(std::move(entries), count, team);
  const double packing = processor_seconds() - start;
  std::printf(
      "%zu ratings, %zu users, %zu items, %d factors; packing them by user and by item: "
      "%.2f s\n",
      ratings.size(), ratings.users(), ratings.items(), factors, packing);
  Profile(ratings, factors, team);
  return 0;
}

}  // namespace
}  // namespace als

int main(int argc, char** argv) { return als::run(argc, argv); }
