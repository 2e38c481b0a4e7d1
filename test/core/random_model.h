// Factors and biases at random, of the kinds that searches are tried on.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

#include "core/linalg/factor_matrix.h"

namespace als {

inline std::vector<float> random_vector(std::size_t n, float scale, std::mt19937_64& random) {
  std::normal_distribution<float> normal;
  std::vector<float> values(n);
  for (float& value : values) value = scale * normal(random);
  return values;
}

struct RandomModel {
  /// Component k has the standard deviation decay^k.
  RandomModel(std::size_t count, std::size_t factors, float decay, std::mt19937_64& random)
      : rows(count, factors) {
    std::normal_distribution<float> normal;
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t k = 0; k < factors; ++k)
        rows.row(i)[k] = std::pow(decay, static_cast<float>(k)) * normal(random);
    }
  }

  void scale(float by) {
    for (std::size_t i = 0; i < rows.rows(); ++i) {
      for (std::size_t k = 0; k < rows.cols(); ++k) rows.row(i)[k] *= by;
    }
  }

  void add_bias(float deviation, std::mt19937_64& random) {
    bias = random_vector(rows.rows(), deviation, random);
  }

  /// Many rows alike, each one of the first `originals`, and some that all but are.
  void make_rows_alike(std::size_t originals, std::mt19937_64& random) {
    for (std::size_t i = originals; i < rows.rows(); ++i) {
      std::copy_n(rows.row(random() % originals), rows.cols(), rows.row(i));
      if (i % 3 == 0) rows.row(i)[i % rows.cols()] *= 1 + 1e-6F;
    }
  }

  BiasedView view() const { return {rows.view(), bias.empty() ? nullptr : bias.data()}; }

  FactorMatrix rows;
  std::vector<float> bias;  // empty: none
};

}  // namespace als
