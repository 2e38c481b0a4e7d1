// What a retraining changes because nobody has named it.
#pragma once

#include "pg/train/train_arguments.h"

namespace als::pg {

/// A notice of what the model's newest run was asked for, and this one will not have because it was
/// left out. Does nothing for a model that does not exist, or holds no run. Within an SPI
/// connection.
void report_forgotten_options(Oid model, const TrainRequest& request);

}  // namespace als::pg
