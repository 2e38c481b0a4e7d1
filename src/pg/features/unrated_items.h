// Rows of items that have features and no ratings.
#pragma once

#include "pg/model/model_writer.h"

namespace als::pg {

/// Writes rows for the items that `ids` keeps under order[0], order[1], ..., with row r of the
/// factors, of mean or popularity as nobody's ratings give it; without one, where the model does
/// not know those of others. Returns how many have been written.
std::uint64_t write_unrated_items(ModelWriter& model, const IdDictionary& ids,
                                  std::vector<std::uint32_t> order, const Factors& factors,
                                  bool has_popularity, double mean,
                                  const std::optional<double>& damping);

}  // namespace als::pg
