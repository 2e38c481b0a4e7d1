// Goes by n_ratings of the factor table.
#include "pg/cache/new_items.h"

namespace als::pg {

void check_counts_ratings(ServedModel& served) {
  const LoadedFactors& items = served.side(Side::kItems);
  const std::int32_t* n_ratings = items.n_ratings();
  if (items.size() == 0 ||
      std::any_of(n_ratings, n_ratings + items.size(), [](std::int32_t n) { return n > 0; }))
    return;
  throw UserError(
      ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
      format("model %s does not know how many ratings its items have", served.model().name.c_str()),
      "Import it with a source, or fill in the column n_ratings of its item factors, or leave "
      "explore out.");
}

}  // namespace als::pg
