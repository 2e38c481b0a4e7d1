// The versions of models that this session keeps.
//
// What is kept of a side is keyed by the model table, the side's version and the state of its
// factor table. A snapshot reads the versions out of the model row it sees, so it finds exactly its
// own factors, whatever other transactions have committed since.
#pragma once

#include "core/search/cosine_search.h"
#include "core/search/top_k_search.h"
#include "pg/cache/loaded_factors.h"
#include "pg/cache/model_segments.h"

namespace als::pg {

/// A search over the rows of a side.
template <class Search>
struct SideSearch {
  std::shared_ptr<Segment> segment;
  Search search;
};

/// What is kept of one version of a model: views of segments, most of which are shared with other
/// sessions.
struct CachedModel {
  Model model;
  BySide<std::shared_ptr<LoadedFactors>> sides;
  BySide<std::shared_ptr<SideSearch<TopKSearch>>> searches;
  BySide<std::shared_ptr<SideSearch<CosineSearch>>> cosine_searches;
  BySide<int> lookups;
  BySide<bool> holds_rows;         ///< the factor table is known not to be empty
  bool transaction_local = false;  ///< what of it is private holds for this transaction only
};

/// What is kept of this version of a model, perhaps nothing yet.
std::shared_ptr<CachedModel> cached_version(Model model);

/// Notes that it is used again, for the order in which the session lets go of what it keeps.
void used_again(const CachedModel& cached);

/// Whether it is still kept for calls to come.
bool is_kept(const CachedModel& cached);

/// The segments that only this session has, of models that it keeps.
std::vector<RegisteredSegment> private_segments();

}  // namespace als::pg
