// Which items of a model are new.
#pragma once

#include "pg/cache/served_model.h"

namespace als::pg {

/// Throws 55000 where all items of a model have no ratings: then nobody has counted them.
void check_counts_ratings(ServedModel& served);

/// Calls take(item) for each item with fewer than `below` ratings. Throws 55000 likewise.
template <class Take>
void for_each_new_item(ServedModel& served, int below, const Take& take) {
  check_counts_ratings(served);
  const LoadedFactors& items = served.side(Side::kItems);
  const std::int32_t* n_ratings = items.n_ratings();
  for (std::uint32_t item = 0; item < items.size(); ++item)
    if (n_ratings[item] < below) take(item);
}

}  // namespace als::pg
