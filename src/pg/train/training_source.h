// What all kinds of training do with their source before they read it.
#pragma once

#include "pg/train/run_record.h"

namespace als::pg {

/// Describes the source and what else the request names, with warnings, notices and errors about
/// what is plain by then. The types of ids are allocated in `context`. The model is locked by now.
DescribedSource describe_training(const TrainRequest& request, ModelWriter& model,
                                  TrainReport& report, MemoryContext context);

/// Tells whoever listens about the iteration that is done.
void tell_iteration(const TrainRequest& request, const TrainReport& report, double seconds);

}  // namespace als::pg
