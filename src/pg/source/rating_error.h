// The error for a rating that is no number to train on.
#pragma once

#include "pg/ids/id_type.h"
#include "pg/ids/side.h"

namespace als::pg {

/// Throws 22003 naming the user and the item.
[[noreturn]] void throw_rating_not_finite(const BySide<const IdType*>& id_types, Datum user,
                                          Datum item, double rating);

}  // namespace als::pg
