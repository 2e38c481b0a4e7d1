// Goes by n_ratings of the factor table.
#include "pg/cache/known_items.h"

namespace als::pg {

Bitmap known_items(ServedModel& served, int ratings) {
  const LoadedFactors& items = served.side(Side::kItems);
  Bitmap known(items.size());
  bool has_counts = items.size() == 0;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const std::int32_t n = items.n_ratings()[i];
    has_counts = has_counts || n > 0;
    if (n >= ratings) known.set(i);
  }
  if (!has_counts)
    throw UserError(
        ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format("model %s does not know how many ratings its items have",
               served.model().name.c_str()),
        "Import it with a source, or fill in the column n_ratings of its item factors, or leave "
        "explore out.");
  return known;
}

}  // namespace als::pg
