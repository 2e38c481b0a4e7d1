// Turns rows of features round, and multiplies them with weights.
#include "core/features/feature_rows.h"

#include <utility>

#include "core/base/splitmix.h"
#include "core/data/row_checksum.h"

namespace als {
namespace {

/// Counts and then fills in: rows come in order, so a feature's are ascending.
CompressedRows transposed(const CompressedRows& matrix, std::size_t columns) {
  CompressedRows result;
  result.offsets.assign(columns + 1, 0);
  result.columns.resize(matrix.columns.size());
  result.values.resize(matrix.columns.size());
  for (const std::uint32_t column : matrix.columns) ++result.offsets[column + 1];
  for (std::size_t c = 0; c < columns; ++c) result.offsets[c + 1] += result.offsets[c];
  std::vector<std::uint64_t> next(result.offsets.begin(), result.offsets.end() - 1);
  for (std::size_t row = 0; row < matrix.rows(); ++row) {
    for (std::uint64_t e = matrix.offsets[row]; e < matrix.offsets[row + 1]; ++e) {
      const std::uint64_t place = next[matrix.columns[e]]++;
      result.columns[place] = static_cast<std::uint32_t>(row);
      result.values[place] = matrix.values[e];
    }
  }
  return result;
}

}  // namespace

FeatureRows::FeatureRows(CompressedRows rows, std::size_t n)
    : by_row(std::move(rows)), by_feature(transposed(by_row, n)), features(n) {}

void add_expected(const RowRatings& features, const Factors& weights, float* factors, float* bias) {
  for (std::size_t e = 0; e < features.count; ++e) {
    const std::uint32_t feature = features.columns[e];
    const float value = features.values[e];
    const float* b = weights.matrix.row(feature);
    for (std::size_t k = 0; k < weights.matrix.cols(); ++k) factors[k] += value * b[k];
    if (!weights.bias.empty()) *bias += value * weights.bias[feature];
  }
}

Factors expected_factors(const CompressedRows& features, const Factors& weights, ThreadTeam& team) {
  Factors expected{FactorMatrix(features.rows(), weights.matrix.cols()),
                   std::vector<float>(weights.bias.empty() ? 0 : features.rows())};
  const std::vector<std::size_t> runs = split_rows(features, 1, kEntriesInBlock);
  if (runs.empty()) return expected;
  team.for_each_block(runs.size() - 1, 1, [&](std::size_t run, std::size_t, int) {
    for (std::size_t row = runs[run]; row < runs[run + 1]; ++row) {
      add_expected(ratings_of(features, row), weights, expected.matrix.row(row),
                   weights.bias.empty() ? nullptr : &expected.bias[row]);
    }
  });
  return expected;
}

std::vector<std::uint64_t> feature_checksums(const CompressedRows& rows, std::size_t features,
                                             ThreadTeam& team) {
  // Keys of ids may be hashes of small numbers, too: features are others.
  constexpr std::uint64_t kOfFeatures = 0x66656174757265ULL;
  std::vector<std::uint64_t> keys(features);
  for (std::size_t f = 0; f < features; ++f) keys[f] = splitmix(splitmix(kOfFeatures) + f);
  return row_checksums(rows, keys, team);
}

}  // namespace als
