// The mean rating of each item: what a model's predictions are to beat.
#pragma once

#include "pg/cache/served_model.h"
#include "pg/history/seen_reader.h"

namespace als::pg {

/// Whether the model's source, which they are of, is there and to be trusted.
bool has_item_means(const Model& model);

/// From the model's source as it is now, read as the caller within an SPI connection: one mean for
/// each item of the model, the model's own mean where the source has no rating. Nothing
/// without has_item_means().
std::optional<std::vector<double>> item_means(ServedModel& served);

/// The same from sums of all the source's ratings.
std::vector<double> item_means(const Model& model, const RatingSums& ratings);

/// Whether sums of its ratings are all that the means are made of: each of its rows counts as one.
bool rows_count_alike(const RatingSource& source);

}  // namespace als::pg
