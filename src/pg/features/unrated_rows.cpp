// A feed of factors without ratings.
#include "pg/features/unrated_rows.h"

#include <utility>

#include "pg/model/factor_feed.h"

namespace als::pg {

std::uint64_t write_unrated_rows(ModelWriter& model, Side side, const IdDictionary& ids,
                                 std::vector<std::uint32_t> order, const Factors& factors,
                                 std::vector<std::uint64_t> checksums,
                                 const std::optional<UnratedPopularity>& popularity) {
  const std::size_t n = order.size();
  CompressedRows none;
  none.offsets.assign(n + 1, 0);
  FactorFeed rows{&ids, std::move(order), &factors, &none, std::move(checksums)};
  std::vector<float> of_none;
  if (popularity) {
    of_none = popularity_of(std::vector<RatingTotals>(n), popularity->mean, popularity->damping);
    rows.popularity = &of_none;
  }
  return model.update_factors(side, rows);
}

}  // namespace als::pg
