// The features of a side's rows: a sparse matrix, by row and by feature.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/base/thread_team.h"
#include "core/data/compressed_rows.h"
#include "core/linalg/factor_matrix.h"

namespace als {

struct FeatureRows {
  FeatureRows(CompressedRows by_row, std::size_t features);

  CompressedRows by_row;
  CompressedRows by_feature;
  std::size_t features;
};

/// The features of both sides' rows, null where a side has none.
struct SideFeatures {
  const FeatureRows* users = nullptr;
  const FeatureRows* items = nullptr;
};

/// What features say of the factors of a row: adds their product with the weights, by feature, to
/// `factors` and, with biases, to `bias`.
/// Both are zero to begin with.
void add_expected(const RowRatings& features, const Factors& weights, float* factors, float* bias);

/// The same for all rows of a matrix.
Factors expected_factors(const CompressedRows& features, const Factors& weights, ThreadTeam& team);

/// Of each row a checksum that tells whether its features are still the same, to be added to that
/// of its ratings: see core/data/row_checksum.h.
std::vector<std::uint64_t> feature_checksums(const CompressedRows& rows, std::size_t features,
                                             ThreadTeam& team);

}  // namespace als
