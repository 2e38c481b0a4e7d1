// What a report tells of a model's features: those that say the most.
#pragma once

#include "pg/model/model.h"
#include "report/report_data.h"

namespace als::pg {

/// Adds the strongest of a side's features: those whose weights make the longest vectors. As the
/// caller, within an SPI connection; nothing where the model has none, or the caller may not read
/// all of the table. Throws what read_features() throws.
void report_weights(const Model& model, Side side, ReportData& data);

}  // namespace als::pg
