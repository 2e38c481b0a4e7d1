// Factors of some rows, gathered by als._known for a training that begins with them.
#pragma once

#include "core/linalg/factor_matrix.h"
#include "core/pieces/bytes.h"
#include "pg/server/pg.h"

namespace als::pg {

/// Puts the rows of such bytes in the place of those that are there. Throws InvalidBytes for rows
/// that are not, 2202E for vectors of another length.
void put_known(ByteView known, Factors& factors);

}  // namespace als::pg
