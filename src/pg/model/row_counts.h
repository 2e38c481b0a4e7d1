// How many rows a table of factors has.
#pragma once

#include "pg/sql/spi.h"

namespace als::pg {

/// Counted as the caller, under a fresh snapshot, within an SPI connection.
std::int64_t count_rows(Oid table);

}  // namespace als::pg
