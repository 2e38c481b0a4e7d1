// Tables of a call, spread as the users of a model are.
#pragma once

#include "pg/ids/id_type.h"
#include "pg/model/model.h"

namespace als::pg {

/// Makes a table of user_id and the columns given, whose rows lie where those of the users with the
/// same ids do. Whoever makes it drops it. Within an SPI connection.
void create_table_beside_users(const std::string& table, const std::string& columns,
                               const Model& model, const IdType& user);

/// What stands for an item id in arrays of them: its value, as of the base of a domain.
std::string as_element(const std::string& item, const IdType& type);

}  // namespace als::pg
