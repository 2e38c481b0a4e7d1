// Whether a test holds what the training may have seen.
#pragma once

#include "pg/history/live_ratings.h"

namespace als::pg {

/// A notice if rows of the test are in the model's source, too: errors of such rows come out too
/// small. It looks for those of one user, the one with the most. Throws what reading the source
/// throws, but nothing for ratings that a training would refuse. Within an SPI connection.
void tell_of_trained_rows(ServedModel& served, const IdDictionary& users,
                          const CompressedRows& test, ThreadTeam& team);

}  // namespace als::pg
