// What a report tells of a model's users: how many ratings they have, and scores of a sample.
#pragma once

#include "pg/cache/served_model.h"
#include "report/report_data.h"

namespace als::pg {

/// Reads the user factors once, as the caller, within an SPI connection, keeping no more of them
/// than a sample. Fills in the ratings per user, and the scores of the sample's users for a sample
/// of items, the first of `items`.
void report_users(ServedModel& served, const std::vector<std::uint32_t>& items, ReportData& data);

}  // namespace als::pg
