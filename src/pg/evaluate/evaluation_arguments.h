// The arguments that als.evaluate and als.compare have in common.
#pragma once

#include "pg/evaluate/evaluation.h"
#include "pg/server/args.h"

namespace als::pg {

/// What to evaluate the model in the argument `model` by. Throws 22004 or 22023 for an argument
/// that is null or out of range, 42809 for a relation that is no model.
EvaluationRequest evaluation_request(const NamedArgs& args, const char* model);

}  // namespace als::pg
