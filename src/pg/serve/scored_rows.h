// From a served model to a list of scored items.
#pragma once

#include "core/search/top_k.h"
#include "pg/cache/model_cache.h"

namespace als::pg {

/// Throws P0002: training has not seen this id. The hint says what to do.
[[noreturn]] void throw_unknown_id(const Model& model, Side side, const IdType& type, Datum id,
                                   const char* hint);

/// Returns the best items as rows (id, score, rank) of a set-returning function whose result has
/// been set up; ids in the type of its first column.
void return_scored(FunctionCallInfo fcinfo, const LoadedFactors& side,
                   const std::vector<ScoredItem>& best);

}  // namespace als::pg
