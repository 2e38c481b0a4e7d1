// From a served model to a list of scored items.
#pragma once

#include "core/scoring.h"
#include "pg/model_cache.h"

namespace als::pg {

/// The part of a score that hangs on the user alone: mu + b_u with biases, else 0. A score is
/// (base_score + b_i) + x.y, summed in this order wherever it is computed.
inline float base_score(const Model& model, float user_bias) {
  return model.biases ? static_cast<float>(model.mean + user_bias) : 0.0F;
}

/// Throws P0002: training has not seen this id. The hint says what to do.
[[noreturn]] void throw_unknown_id(const Model& model, Side side, const IdType& type, Datum id,
                                   const char* hint);

/// Returns the best items as rows (id, score, rank) of a set-returning function whose result has
/// been set up; ids in the type of its first column.
void return_scored(FunctionCallInfo fcinfo, const FactorSide& side,
                   const std::vector<ScoredItem>& best);

}  // namespace als::pg
