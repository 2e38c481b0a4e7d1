// Which rows of a model are no longer those of the live source.
#pragma once

#include "pg/batch/spread_items.h"
#include "pg/features/live_features.h"
#include "pg/server/progress.h"

namespace als::pg {

/// The keys of ids in the checksums of rows, see core/data/row_checksum.h.
std::vector<std::uint64_t> keys_of(const IdIndex& ids);

/// Adds the ids whose ratings in the source, or whose features, are not those of the factor table.
/// features: of a side that has some, else null. on_nodes: has the
/// ratings of items counted where the users are; null: they are read here.
void find_changed(ServedModel& served, Side side, IdDictionary& changed,
                  const LiveFeatures* features, const SpreadItems* on_nodes, Progress& progress);

}  // namespace als::pg
