// Settings of the server for the statements of a training.
#pragma once

#include "pg/server/local_settings.h"

namespace als::pg {

/// What statements need that handle few and large values, but for packing. distributed: they run on
/// tables that Citus has spread.
LocalSettings bulk_settings(bool distributed);

}  // namespace als::pg
