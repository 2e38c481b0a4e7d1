// Ridge regression of factors on features, all components at the same time.
//
// B solves (F^T W F + mu) B = F^T W Y kappa / (1 + kappa), W the diagonal of the rows' weights. The
// matrix is the same for every component, so the products of conjugate gradients go over the
// features once for all of them, while each component has steps of its own lengths.
#include "core/features/feature_prior.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/linalg/products.h"

namespace als {
namespace {

// Each fit begins where the last one ended, and there is one in every iteration.
constexpr int kSteps = 4;

// A component whose residual has become this part of what it was, squared, is done.
constexpr double kSolved = 1e-8;

constexpr std::size_t kRunEntries = std::size_t{1} << 13;
constexpr std::uint64_t kSegmentEntries = std::uint64_t{1} << 15;
constexpr std::size_t kFeaturesInBlock = 1024;

std::size_t width_of(std::size_t factors, bool biases) {
  return (blocks_of(factors) + (biases ? 1 : 0)) * kBlock;
}

double squares_of(const FactorMatrix& matrix) {
  double sum = 0;
  for (std::size_t row = 0; row < matrix.rows(); ++row) sum += squared_norm(matrix, row);
  return sum;
}

}  // namespace

FeaturePrior::FeaturePrior(const FeatureRows& features, std::vector<float> row_weights,
                           double regularization, double strength, std::size_t factors, bool biases,
                           ThreadTeam& team)
    : kernels_(kernels()),
      features_(features),
      row_weights_(std::move(row_weights)),
      width_(width_of(factors, biases)),
      strength_(strength),
      ridge_(0),
      weights_{FactorMatrix(features.features, factors),
               std::vector<float>(biases ? features.features : 0)},
      means_{FactorMatrix(features.by_row.rows(), factors),
             std::vector<float>(biases ? features.by_row.rows() : 0)},
      by_row_(features.by_row.rows() * width_, 0.0F),
      residual_(features.features * width_, 0.0F),
      direction_(features.features * width_, 0.0F),
      product_(features.features * width_, 0.0F) {
  double sum = 0;
  std::size_t rated = 0;
  for (const float weight : row_weights_) {
    sum += weight;
    if (weight > 0) ++rated;
  }
  ridge_ = regularization * sum / static_cast<double>(std::max<std::size_t>(rated, 1));
  plan();
  preconditioner_.resize(features_.features);
  team.for_each_block(
      features_.features, kFeaturesInBlock, [&](std::size_t begin, std::size_t end, int) {
        for (std::size_t f = begin; f < end; ++f) {
          const RowRatings rows = ratings_of(features_.by_feature, f);
          double diagonal = ridge_;
          for (std::size_t e = 0; e < rows.count; ++e) {
            const double value = rows.values[e];
            diagonal += static_cast<double>(row_weights_[rows.columns[e]]) * value * value;
          }
          preconditioner_[f] = diagonal > 0 ? static_cast<float>(1 / diagonal) : 0.0F;
        }
      });
}

/// Pieces of about equal work, cut at places that depend on the features alone.
void FeaturePrior::plan() {
  runs_ = split_rows(features_.by_row, 1, kRunEntries);
  if (runs_.empty()) runs_.push_back(0);
  const CompressedRows& by_feature = features_.by_feature;
  for (std::size_t f = 0; f < features_.features; ++f) {
    for (std::uint64_t begin = by_feature.offsets[f]; begin < by_feature.offsets[f + 1];
         begin += kSegmentEntries) {
      segments_.push_back({f, begin, std::min(begin + kSegmentEntries, by_feature.offsets[f + 1])});
    }
  }
  sums_.assign(segments_.size() * width_, 0.0F);
}

/// Adds the rows that these entries name, times their values.
void FeaturePrior::add_rows(const AlignedVector<float>& rows, const CompressedRows& entries,
                            std::uint64_t begin, std::uint64_t end, float* sum) const {
  constexpr std::uint64_t kChunk = 512;
  float values[kChunk + kBlock] = {};
  for (; begin < end; begin += kChunk) {
    const std::uint64_t n = std::min(kChunk, end - begin);
    std::copy_n(entries.values.data() + begin, n, values);
    kernels_.add_vectors({rows.data(), width_, entries.columns.data() + begin, n,
                          entries.columns.size() - begin, 0.0F, 1.0F, nullptr, values, nullptr},
                         sum);
  }
}

/// by_feature = F^T by_row.
void FeaturePrior::sum_over_rows(const AlignedVector<float>& by_row,
                                 AlignedVector<float>& by_feature, ThreadTeam& team) {
  const CompressedRows& entries = features_.by_feature;
  team.for_each_block(segments_.size(), 1, [&](std::size_t s, std::size_t, int) {
    float* sum = sums_.data() + s * width_;
    std::fill_n(sum, width_, 0.0F);
    add_rows(by_row, entries, segments_[s].begin, segments_[s].end, sum);
  });
  std::fill(by_feature.begin(), by_feature.end(), 0.0F);
  for (std::size_t s = 0; s < segments_.size(); ++s) {
    const float* sum = sums_.data() + s * width_;
    float* total = by_feature.data() + segments_[s].feature * width_;
    for (std::size_t k = 0; k < width_; ++k) total[k] += sum[k];
  }
}

/// by_row = W F by_feature.
void FeaturePrior::multiply_rows(const AlignedVector<float>& by_feature,
                                 AlignedVector<float>& by_row, ThreadTeam& team) const {
  team.for_each_block(runs_.size() - 1, 1, [&](std::size_t run, std::size_t, int) {
    for (std::size_t row = runs_[run]; row < runs_[run + 1]; ++row) {
      float* sum = by_row.data() + row * width_;
      std::fill_n(sum, width_, 0.0F);
      const CompressedRows& entries = features_.by_row;
      add_rows(by_feature, entries, entries.offsets[row], entries.offsets[row + 1], sum);
      for (std::size_t k = 0; k < width_; ++k) sum[k] *= row_weights_[row];
    }
  });
}

/// The sums of a b over all features, by component.
std::vector<double> FeaturePrior::dot(const AlignedVector<float>& a, const AlignedVector<float>& b,
                                      ThreadTeam& team) const {
  const std::size_t blocks = (features_.features + kFeaturesInBlock - 1) / kFeaturesInBlock;
  std::vector<double> sums(std::max<std::size_t>(blocks, 1) * width_, 0.0);
  team.for_each_block(blocks, 1, [&](std::size_t block, std::size_t, int) {
    double* sum = sums.data() + block * width_;
    const std::size_t end = std::min((block + 1) * kFeaturesInBlock, features_.features);
    for (std::size_t f = block * kFeaturesInBlock; f < end; ++f) {
      for (std::size_t k = 0; k < width_; ++k) {
        sum[k] += static_cast<double>(a[f * width_ + k]) * b[f * width_ + k];
      }
    }
  });
  for (std::size_t block = 1; block < blocks; ++block) {
    for (std::size_t k = 0; k < width_; ++k) sums[k] += sums[block * width_ + k];
  }
  sums.resize(width_);
  return sums;
}

/// F^T W (share Y - F B) - mu B.
void FeaturePrior::take_residual(const Factors& rows, ThreadTeam& team) {
  const std::size_t stride = rows.matrix.stride();
  const auto share = static_cast<float>(strength_ / (1 + strength_));
  team.for_each_block(runs_.size() - 1, 1, [&](std::size_t run, std::size_t, int) {
    for (std::size_t row = runs_[run]; row < runs_[run + 1]; ++row) {
      float* error = by_row_.data() + row * width_;
      const float weight = row_weights_[row];
      const float* y = rows.matrix.row(row);
      const float* mean = means_.matrix.row(row);
      for (std::size_t k = 0; k < stride; ++k) error[k] = weight * (share * y[k] - mean[k]);
      if (!rows.bias.empty()) error[stride] = weight * (share * rows.bias[row] - means_.bias[row]);
    }
  });
  sum_over_rows(by_row_, residual_, team);
  const auto ridge = static_cast<float>(ridge_);
  for (std::size_t f = 0; f < features_.features; ++f) {
    float* residual = residual_.data() + f * width_;
    const float* b = weights_.matrix.row(f);
    for (std::size_t k = 0; k < stride; ++k) residual[k] -= ridge * b[k];
    if (!weights_.bias.empty()) residual[stride] -= ridge * weights_.bias[f];
  }
}

void FeaturePrior::compute_means(ThreadTeam& team) {
  team.for_each_block(runs_.size() - 1, 1, [&](std::size_t run, std::size_t, int) {
    for (std::size_t row = runs_[run]; row < runs_[run + 1]; ++row) {
      means_.matrix.clear_row(row);
      float bias = 0;
      if (row_weights_[row] > 0) {
        add_expected(ratings_of(features_.by_row, row), weights_, means_.matrix.row(row), &bias);
      }
      if (!means_.bias.empty()) means_.bias[row] = bias;
    }
  });
}

/// Two blocks that alternate come closer by a part rho^2 each time, over-relaxed the fastest by
/// 2 / (1 + sqrt(1 - rho^2)) of the way. Here rho^2 is kappa / (1 + kappa) for a row of which
/// ratings tell nothing, and less for others.
float FeaturePrior::share_beyond() const {
  const double root = 1 / std::sqrt(1 + strength_);
  return static_cast<float>((1 - root) / (1 + root));
}

/// By a part of the way that the weights have come from `start`.
void FeaturePrior::go_on(const Factors& start, float part) {
  for (std::size_t f = 0; f < features_.features; ++f) {
    kernels_.over_relax(weights_.matrix.row(f), start.matrix.row(f), part,
                        weights_.matrix.stride());
    if (!start.bias.empty()) weights_.bias[f] += part * (weights_.bias[f] - start.bias[f]);
  }
}

void FeaturePrior::fit(const Factors& rows, float beyond, ThreadTeam& team) {
  const std::size_t n = features_.features;
  const std::size_t stride = weights_.matrix.stride();
  const auto ridge = static_cast<float>(ridge_);
  // The preconditioned residual, in the place of the product, which comes after it.
  const auto precondition = [&] {
    for (std::size_t f = 0; f < n; ++f) {
      for (std::size_t k = 0; k < width_; ++k) {
        product_[f * width_ + k] = preconditioner_[f] * residual_[f * width_ + k];
      }
    }
    return dot(product_, residual_, team);
  };

  Factors start;
  if (beyond > 0) start = weights_;
  take_residual(rows, team);
  std::vector<double> decrease = precondition();
  const std::vector<double> first = decrease;
  std::copy(product_.begin(), product_.end(), direction_.begin());
  for (int step = 0; step < kSteps; ++step) {
    multiply_rows(direction_, by_row_, team);
    sum_over_rows(by_row_, product_, team);
    for (std::size_t e = 0; e < product_.size(); ++e) product_[e] += ridge * direction_[e];
    const std::vector<double> curvature = dot(direction_, product_, team);
    std::vector<float> length(width_, 0.0F);
    for (std::size_t k = 0; k < width_; ++k) {
      const bool goes_on = decrease[k] > kSolved * first[k] && curvature[k] > 0;
      if (goes_on) length[k] = static_cast<float>(decrease[k] / curvature[k]);
    }
    if (std::all_of(length.begin(), length.end(), [](float value) { return value == 0; })) break;
    for (std::size_t f = 0; f < n; ++f) {
      const float* direction = direction_.data() + f * width_;
      float* b = weights_.matrix.row(f);
      for (std::size_t k = 0; k < stride; ++k) b[k] += length[k] * direction[k];
      if (!weights_.bias.empty()) weights_.bias[f] += length[stride] * direction[stride];
      float* residual = residual_.data() + f * width_;
      const float* product = product_.data() + f * width_;
      for (std::size_t k = 0; k < width_; ++k) residual[k] -= length[k] * product[k];
    }
    const std::vector<double> next = precondition();
    for (std::size_t f = 0; f < n; ++f) {
      float* direction = direction_.data() + f * width_;
      const float* preconditioned = product_.data() + f * width_;
      for (std::size_t k = 0; k < width_; ++k) {
        const auto share = static_cast<float>(decrease[k] > 0 ? next[k] / decrease[k] : 0.0);
        direction[k] = preconditioned[k] + share * direction[k];
      }
    }
    decrease = next;
  }
  if (beyond > 0) go_on(start, beyond);
  compute_means(team);
}

Factors FeaturePrior::coefficients() const {
  Factors coefficients = weights_;
  const auto growth = static_cast<float>((1 + strength_) / strength_);
  for (std::size_t f = 0; f < features_.features; ++f) {
    float* c = coefficients.matrix.row(f);
    for (std::size_t k = 0; k < coefficients.matrix.cols(); ++k) c[k] *= growth;
  }
  for (float& bias : coefficients.bias) bias *= growth;
  return coefficients;
}

FeaturePrior::Squares FeaturePrior::ridge_terms() const {
  double biases = 0;
  for (const float bias : weights_.bias) biases += static_cast<double>(bias) * bias;
  return {ridge() * squares_of(weights_.matrix), ridge() * biases};
}

std::size_t FeaturePrior::memory(std::size_t rows, std::size_t features, std::size_t entries,
                                 std::size_t factors, bool biases) {
  const std::size_t vector = width_of(factors, biases) * sizeof(float);
  const std::size_t segments = features + entries / kSegmentEntries;
  return 2 * rows * vector + (5 * features + segments) * vector +
         2 * entries * (sizeof(std::uint32_t) + sizeof(float)) +
         (rows + features) * (sizeof(std::uint64_t) + sizeof(float));
}

}  // namespace als
