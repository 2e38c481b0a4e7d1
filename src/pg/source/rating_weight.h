// What a weight makes of a rating.
#pragma once

#include "pg/source/rating_source.h"

namespace als::pg {

/// Takes the weight of a row with these ids into account: returns false where it is 0, so that the
/// row counts as none. Where weights are confidences, the rating becomes the weight,
/// negative unless it was above 0; else `weight` gets the weight. Throws 22004 for a weight that is
/// null, 22003 for one that is negative or not finite.
bool weigh(const DescribedSource& source, const Datum* ids, const NullableDatum& read,
           float& rating, float& weight);

}  // namespace als::pg
