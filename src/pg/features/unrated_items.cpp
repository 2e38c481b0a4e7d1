// A feed of factors without ratings.
#include "pg/features/unrated_items.h"

#include <utility>

#include "pg/model/factor_feed.h"

namespace als::pg {

std::uint64_t write_unrated_items(ModelWriter& model, const IdDictionary& ids,
                                  std::vector<std::uint32_t> order, const Factors& factors,
                                  bool has_popularity, double mean,
                                  const std::optional<double>& damping) {
  const std::size_t n = order.size();
  CompressedRows none;
  none.offsets.assign(n + 1, 0);
  FactorFeed rows{&ids, std::move(order), &factors, &none, std::vector<std::uint64_t>(n, 0)};
  const std::vector<float> popularity = popularity_of(std::vector<RatingTotals>(n), mean, damping);
  if (has_popularity) rows.popularity = &popularity;
  return model.update_factors(Side::kItems, rows);
}

}  // namespace als::pg
