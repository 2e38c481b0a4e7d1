// A training in transactions of its own.
#pragma once

#include <functional>

#include "pg/train/train_arguments.h"

namespace als::pg {

/// Trains the model of this name in steps, see train_in_steps.cpp: `there`, or, if that is
/// InvalidOid, what the request says. That is asked for when no other training can change the model
/// any more. Needs an SPI connection that may commit.
void train_in_steps(const std::string& model, Oid there,
                    const std::function<TrainRequest()>& request);

}  // namespace als::pg
