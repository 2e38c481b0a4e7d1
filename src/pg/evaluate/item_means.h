// The mean rating of each item: what a model's predictions are to beat.
#pragma once

#include "pg/cache/served_model.h"

namespace als::pg {

/// From the model's source as it is now, read as the caller within an SPI connection: one mean for
/// each item of the model, the model's own mean where the source has no rating. Nothing if the
/// source's table is gone.
std::optional<std::vector<double>> item_means(ServedModel& served);

}  // namespace als::pg
