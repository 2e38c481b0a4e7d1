// Which items of a model are new, and which are known well enough.
#pragma once

#include "core/base/bitmap.h"
#include "pg/cache/served_model.h"

namespace als::pg {

/// The items with `ratings` ratings or more. Throws 55000 where the model does not know how many
/// its items have.
Bitmap known_items(ServedModel& served, int ratings);

}  // namespace als::pg
