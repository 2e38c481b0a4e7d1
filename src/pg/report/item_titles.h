// Titles for items, out of a table or query of the user's.
#pragma once

#include "pg/ids/id_index.h"

namespace als::pg {

/// UTF-8, whatever the database's encoding. A server call inside.
std::string utf8_text(const char* text);

/// Reads the first two columns of a table, view or query, ids and titles, as the caller, within an
/// SPI connection. Returns a title, UTF-8, for each index of `ids` that is wanted; empty where none
/// is known. Of several titles of an item it takes the least, so that it is always the same. Throws
/// 42804 if the first column is no id of these.
std::vector<std::string> item_titles(const std::string& titles, const IdIndex& ids,
                                     const std::vector<bool>& wanted);

}  // namespace als::pg
