// The rows of a side that lie nearest to one of them.
#pragma once

#include "core/base/bitmap.h"
#include "core/search/top_k.h"
#include "pg/cache/served_model.h"

namespace als::pg {

/// The k rows most like row `index`, by y.z or by y.z / (|y| |z|), itself left out, and those in
/// `excluded`, if that is not null.
std::vector<ScoredItem> neighbours(ServedModel& served, Side which, std::uint32_t index,
                                   std::size_t k, bool by_cosine, const Bitmap* excluded = nullptr);

}  // namespace als::pg
