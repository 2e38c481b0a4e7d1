// From a served model to a list of scored items.
#pragma once

#include "core/search/top_k.h"
#include "pg/cache/served_model.h"
#include "pg/sql/result_rows.h"

namespace als::pg {

/// Throws P0002: training has not seen the id in this argument. The choices are the other values of
/// on_unknown.
[[noreturn]] void throw_unknown_id(const Model& model, Side side, FunctionCallInfo fcinfo,
                                   int argument, const char* choices);

/// The same of an id of this type.
[[noreturn]] void throw_unknown_id(const Model& model, Side side, Oid type, NullableDatum id,
                                   const char* choices);

/// Adds the best items as rows (id, score, rank); ids in the type of the result's first column.
void put_scored(ResultRows& result, const LoadedFactors& side, const std::vector<ScoredItem>& best);

}  // namespace als::pg
