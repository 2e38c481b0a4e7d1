// Rows of users or items that have features and no ratings.
#pragma once

#include "pg/model/model_writer.h"

namespace als::pg {

/// What nobody's ratings give the popularity of an item.
struct UnratedPopularity {
  double mean;
  std::optional<double> damping;
};

/// Writes rows for what `ids` keeps under order[0], order[1], ..., with row r of the factors and of
/// the checksums, which are those of features.
/// Without a popularity where a side has none, or the model does not know those of others. Returns
/// how many have been written.
std::uint64_t write_unrated_rows(ModelWriter& model, Side side, const IdDictionary& ids,
                                 std::vector<std::uint32_t> order, const Factors& factors,
                                 std::vector<std::uint64_t> checksums,
                                 const std::optional<UnratedPopularity>& popularity);

}  // namespace als::pg
