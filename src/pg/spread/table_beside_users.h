// Tables of a call, spread as the users of a model are.
#pragma once

#include "pg/ids/id_type.h"
#include "pg/model/model.h"
#include "pg/source/rating_source.h"

namespace als::pg {

/// Whether a model's users are spread over nodes, each of which has all items, and rows can be
/// joined with them there: to Citus a join by a domain, which goes by its base, is none of equal
/// columns.
bool users_are_on_nodes(const Model& model, const IdType& user);

/// Where the caller may make them, quoted: this schema, else the first of the caller's search path;
/// nothing if there is none. Within an SPI connection.
std::optional<std::string> schema_for_tables(Oid preferred);

/// Makes a table of user_id and the columns given, whose rows lie where those of the users with the
/// same ids do. Whoever makes it drops it. Within an SPI connection.
void create_table_beside_users(const std::string& table, const std::string& columns,
                               const Model& model, const IdType& user);

/// Distributes a table by its column user_id, so that its rows lie there. Within an SPI connection.
void spread_beside_users(const std::string& table, const Model& model);

/// Whether a source is a table that Citus distributes by its users, and whose rows lie where the
/// model's users with the same ids do. Within an SPI connection.
bool lies_beside_users(const RatingSource& source, const Model& model);

/// Whether rows of two distributed tables with the same ids lie together. Within an SPI connection.
bool are_colocated(Oid one, Oid other);

/// The type of arrays of ids, spelled.
std::string array_type_name(const IdType& type);

/// What stands for an item id in arrays of them: its value, as of the base of a domain.
std::string as_element(const std::string& item, const IdType& type);

}  // namespace als::pg
