// What conjugate gradients do between two passes, against double precision.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "core/base/aligned_vector.h"
#include "core/kernels/kernels.h"
#include "kernels/rounding_error.h"
#include "simd_levels.h"

namespace als {
namespace {

/// The vectors of a row, filled with random numbers, and the diagonal of its equations.
struct Row {
  Row(std::size_t factors, bool bias, bool eigenvalues, unsigned seed)
      : unknowns(factors + (bias ? kBlock : 0)), all(6 * unknowns), basis(2 * factors) {
    std::mt19937_64 random(seed);
    std::uniform_real_distribution<float> uniform(-1, 1);
    for (float& value : all) value = uniform(random);
    for (float& value : basis) value = std::fabs(uniform(random));
    for (std::size_t k = 0; k < unknowns; ++k) at(2)[k] = std::fabs(at(2)[k]);
    vectors = {at(0), at(1), at(2), at(3), at(4), at(5), unknowns};
    diagonal = {eigenvalues ? basis.data() : nullptr,
                basis.data() + factors,
                factors,
                {0.7F, 0.3F},
                11.0F,
                0.1F};
  }
  float* at(std::size_t vector) { return all.data() + vector * unknowns; }

  double shared(std::size_t k) const {
    if (k >= diagonal.factors) return diagonal.ridge.last;
    return diagonal.ridge.others + (diagonal.eigenvalues == nullptr ? 0.0F : basis[k]);
  }
  double whole(std::size_t k) const {
    const double square = k < diagonal.factors ? diagonal.mean_squares[k] : 1.0F;
    return shared(k) + diagonal.extra + static_cast<double>(diagonal.weight) * square;
  }

  std::size_t unknowns;
  AlignedVector<float> all;
  AlignedVector<float> basis;
  CgVectors vectors;
  CgDiagonal diagonal;
};

void for_each_row(const std::function<void(Row& now, const CgVectors& before)>& check) {
  at_every_level([&] {
    unsigned seed = 0;
    for (const std::size_t factors : {16, 48, 64, 1024}) {
      for (const bool bias : {false, true}) {
        for (const bool eigenvalues : {false, true}) {
          SCOPED_TRACE(std::to_string(factors) + (bias ? " with bias" : ""));
          Row now(factors, bias, eigenvalues, ++seed);
          Row before(factors, bias, eigenvalues, seed);
          check(now, before.vectors);
        }
      }
    }
  });
}

/// a.b, and a.b of what they are without their signs.
std::pair<double, double> dot_and_size(const float* a, const float* b, std::size_t n) {
  double sum = 0;
  double size = 0;
  for (std::size_t k = 0; k < n; ++k) {
    sum += static_cast<double>(a[k]) * b[k];
    size += std::fabs(static_cast<double>(a[k]) * b[k]);
  }
  return {sum, size};
}

TEST(CgKernels, Diagonal) {
  for_each_row([](Row& row, const CgVectors& before) {
    const double curvature = kernels().diagonal_curvature(row.diagonal, row.vectors);
    const double square = kernels().subtract_diagonal(row.diagonal, row.vectors);
    kernels().subtract_diagonal_product(row.diagonal, row.vectors);
    double expected = 0;
    double expected_curvature = 0;
    for (std::size_t k = 0; k < row.unknowns; ++k) {
      const double x = before.x[k];
      const double p = before.direction[k];
      expected += row.shared(k) * x * x;
      expected_curvature += (row.shared(k) + row.diagonal.extra) * p * p;
      ASSERT_NEAR(row.vectors.residual[k], before.residual[k] - row.shared(k) * x, 8 * kUnit) << k;
      ASSERT_NEAR(row.vectors.product[k],
                  before.product[k] - (row.shared(k) + row.diagonal.extra) * before.direction[k],
                  8 * kUnit);
    }
    EXPECT_NEAR(square, expected, 4 * kUnit * expected);
    EXPECT_NEAR(curvature, expected_curvature, 4 * kUnit * expected_curvature);
  });
}

TEST(CgKernels, PreconditionerIsZeroWhereTheEquationsAre) {
  for_each_row([](Row& row, const CgVectors&) {
    kernels().precondition(row.diagonal, row.vectors);
    for (std::size_t k = 0; k < row.unknowns; ++k) {
      ASSERT_NEAR(row.vectors.preconditioner[k] * row.whole(k), 1, 8 * kUnit) << k;
    }
    row.diagonal.ridge = {0, 0};
    row.diagonal.weight = row.diagonal.extra = 0;
    row.diagonal.eigenvalues = nullptr;
    kernels().precondition(row.diagonal, row.vectors);
    for (std::size_t k = 0; k < row.unknowns; ++k) ASSERT_EQ(row.vectors.preconditioner[k], 0);
  });
}

TEST(CgKernels, FirstDirection) {
  for_each_row([](Row& row, const CgVectors& before) {
    const double decrease = kernels().cg_start(row.vectors);
    double expected = 0;
    for (std::size_t k = 0; k < row.unknowns; ++k) {
      const double scaled = static_cast<double>(before.preconditioner[k]) * before.residual[k];
      expected += scaled * before.residual[k];
      ASSERT_NEAR(row.vectors.direction[k], scaled, 2 * kUnit);
      ASSERT_EQ(row.vectors.product[k], 0);
      ASSERT_EQ(row.vectors.partial_sum[k], 0);
    }
    EXPECT_NEAR(decrease, expected, static_cast<double>(row.unknowns) * kUnit * expected);
  });
}

TEST(CgKernels, Step) {
  for_each_row([](Row& row, const CgVectors& before) {
    const std::size_t n = row.unknowns;
    // Against the product, so that there is something to gain.
    for (std::size_t k = 0; k < n; ++k) {
      row.vectors.direction[k] = before.direction[k] =
          before.product[k] > 0 ? -std::fabs(before.direction[k]) : std::fabs(before.direction[k]);
    }
    const auto [dot, size] = dot_and_size(before.direction, before.product, n);
    const double decrease = 2;
    double curvature = 0;
    const double next = kernels().cg_step(row.vectors, decrease, &curvature);
    ASSERT_NEAR(curvature, -dot, static_cast<double>(n) * kUnit * size);
    const double length = decrease / curvature;
    double expected = 0;
    for (std::size_t k = 0; k < n; ++k) {
      const double residual = before.residual[k] + length * before.product[k];
      expected += residual * residual * before.preconditioner[k];
      ASSERT_NEAR(row.vectors.x[k], before.x[k] + length * before.direction[k], 8 * kUnit);
      ASSERT_NEAR(row.vectors.residual[k], residual, 8 * kUnit);
      ASSERT_EQ(row.vectors.product[k], 0);
    }
    ASSERT_NEAR(next, expected, static_cast<double>(n + 16) * kUnit * expected);
    for (std::size_t k = 0; k < n; ++k) {
      const double scaled = static_cast<double>(before.preconditioner[k]) * row.vectors.residual[k];
      ASSERT_NEAR(row.vectors.direction[k], scaled + next / decrease * before.direction[k],
                  (8 + next) * 4 * kUnit);
    }
  });
}

TEST(CgKernels, LastStep) {
  for_each_row([](Row& row, const CgVectors& before) {
    kernels().cg_last_step(row.vectors, 0.75F);
    for (std::size_t k = 0; k < row.unknowns; ++k) {
      ASSERT_NEAR(row.vectors.x[k], before.x[k] + 0.75F * before.direction[k], 2 * kUnit) << k;
    }
  });
}

TEST(CgKernels, NoStepWhereThereIsNothingToGain) {
  for_each_row([](Row& row, const CgVectors& before) {
    std::copy_n(before.direction, row.unknowns, row.vectors.product);
    double curvature = 1;
    EXPECT_EQ(kernels().cg_step(row.vectors, 1, &curvature), 0);
    EXPECT_LT(curvature, 0);
    for (std::size_t k = 0; k < row.unknowns; ++k) ASSERT_EQ(row.vectors.x[k], before.x[k]);
  });
}

TEST(CgKernels, SumsAndOverRelaxation) {
  for_each_row([](Row& row, const CgVectors& before) {
    kernels().move_sum(row.vectors.partial_sum, row.vectors.residual, row.unknowns);
    kernels().over_relax(row.vectors.x, before.direction, 0.6F, row.unknowns);
    for (std::size_t k = 0; k < row.unknowns; ++k) {
      ASSERT_EQ(row.vectors.residual[k], before.residual[k] + before.partial_sum[k]);
      ASSERT_EQ(row.vectors.partial_sum[k], 0);
      const double x = before.x[k];
      ASSERT_NEAR(row.vectors.x[k], x + 0.6F * (x - before.direction[k]), 8 * kUnit);
    }
  });
}

TEST(CgKernels, SquaresAndScales) {
  for_each_row([](Row& row, const CgVectors& before) {
    for (const std::size_t n : {row.unknowns, row.unknowns - 1, row.unknowns - 11}) {
      std::vector<double> sums(n, 0.5);
      kernels().add_weighted_squares(before.residual, 3, n, sums.data());
      std::copy_n(before.x, row.unknowns, row.vectors.x);
      kernels().scale(row.vectors.x, before.residual, n);
      for (std::size_t k = 0; k < row.unknowns; ++k) {
        ASSERT_EQ(row.vectors.x[k], k < n ? before.x[k] * before.residual[k] : before.x[k]);
        if (k < n) {
          ASSERT_NEAR(sums[k], 0.5 + 3.0 * before.residual[k] * before.residual[k], 1e-14);
        }
      }
    }
  });
}

}  // namespace
}  // namespace als
