// Which tables are models.
//
// A model is a table of type als.model. A table that Citus has copied to all nodes has lost its
// type on all but one: there a reference table with the columns of als.model, and no others, is a
// model. Whoever can make one could as well make a typed one, so nothing more is proved by it.
#pragma once

#include "pg/server/cluster_table.h"
#include "pg/server/guard.h"

namespace als::pg {

/// Whether a table of this type is a model table: als.model. A server call.
bool is_model_type(Oid row_type);

/// Whether a relation is a model table. Raises ERRCODE_UNDEFINED_TABLE if it is gone. A server
/// call.
bool is_model(Oid table);

/// The same without an error. A server call.
bool is_model_or_gone(Oid table);

/// Throws 42P01 or 42809 unless the relation exists and is a model table.
void check_is_model(Oid table);

/// Throws 42P01 if a model that was there has been dropped meanwhile.
void check_is_not_dropped(Oid model);

/// Locks a model's table, so that nobody makes a view of it, or gives its name to one, before it is
/// read, or written. Throws 42P01 if it is gone, 42809 if it is no model table any more.
void lock_model_table(Oid table, LOCKMODE mode = AccessShareLock);

/// The model tables that are reference tables. A server call.
List* models_on_all_nodes();

/// The table that a model's row names as it must where oids differ from node to node; InvalidOid if
/// there is none. A server call.
Oid table_of_name(Datum name);

}  // namespace als::pg
