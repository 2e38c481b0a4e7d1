// A training in transactions of its own.
#pragma once

#include <functional>

#include "pg/model/model_writer.h"
#include "pg/train/train_arguments.h"

namespace als::pg {

/// Trains a model in steps, see train_in_steps.cpp: `there`, or, where that is InvalidOid, a new
/// one or, with `replace`, any of the name. What is asked for is read when no other training can
/// change the model any more, and more than once; find_read() finds what is going to be read. Needs
/// an SPI connection that may commit.
void train_in_steps(ModelWriter model, Oid there, bool replace,
                    const std::function<std::vector<RelationLock>()>& find_read,
                    const std::function<TrainRequest()>& make_request);

}  // namespace als::pg
