// The factors of a model, for a training in parts to begin with.
#pragma once

#include "core/pieces/step.h"
#include "pg/distribute/workspace.h"
#include "pg/model/model.h"

namespace als::pg {

/// The factors of a side as an item of a FROM clause, with the columns known_id, of this type,
/// known_factors and known_bias; empty where the model's ids are not of a type that has only been
/// widened to this one.
std::string known_factors(const Model& model, Side side, const IdType& type);

/// Has the users of the workspace begin with those of a model. Returns what they report, as
/// PartsTrainer takes it.
Bytes start_users(const Model& model, const IdType& type, const PartsTraining& training,
                  Workspace& workspace);

}  // namespace als::pg
