// The error for ratings that stand twice where they should not.
#pragma once

#include "pg/ids/id_type.h"

namespace als::pg {

inline constexpr const char* kHowToMergeDuplicates =
    "Use on_duplicate => 'average' or 'sum', or 'last' with a time_col, or group the source by "
    "user and item.";

/// Throws 21000 naming the user and the item. `where`: "", or " in ..." for what was read.
[[noreturn]] void throw_duplicate_rating(const IdType& user_type, Datum user,
                                         const IdType& item_type, Datum item,
                                         const std::string& where, const std::string& hint);

}  // namespace als::pg
