// bytea values that hold what comes of an evaluation.
#pragma once

#include "core/evaluate/flat_evaluation.h"
#include "pg/evaluate/measurements.h"
#include "pg/server/args.h"

namespace als::pg {

/// Where a value would be too large.
inline constexpr const char* kHintOnSize = "Evaluate at fewer cutoffs, or in fewer groups.";

/// What als._measured_user has returned. Throws 22004 for null, 22P03 for bytes of another origin.
MeasuredUser measured_user_arg(FunctionCallInfo fcinfo, int index);

/// The same of a bytea.
MeasuredUser measured_user(Datum bytes);

/// A user's errors and lists, as far as there are any.
UserResult result_of(const MeasuredUser& user);

/// What als._sum_measured has come to, in this memory. Throws 22P03.
FlatEvaluation open_evaluation(char* memory, std::size_t bytes);
EvaluationSums group_of(const FlatEvaluation& sums, std::size_t group);

}  // namespace als::pg
