// Tables that Citus spreads over the nodes of a cluster, as its catalogs describe them.
//
// Without Citus there are none, which costs one look-up in a cache of the server to find out.
#pragma once

#include "pg/server/pg.h"

namespace als::pg {

enum class TableSpread {
  kNone,         ///< a table as any other
  kReference,    ///< each node has all rows
  kDistributed,  ///< each row is on one of the nodes
};

struct ClusterTable {
  TableSpread spread = TableSpread::kNone;
  Oid here = InvalidOid;  ///< the table that holds this node's copy of a reference table's rows;
                          ///< the table itself where there is none, or it is none

  /// Whether the rows can be read without Citus, under the snapshot of this node.
  bool is_here(Oid table) const { return spread == TableSpread::kReference && here != table; }
};

/// How a table is spread. A server call.
ClusterTable cluster_table(Oid table);

/// The column that a table is distributed by: equal values of it are on one node. InvalidAttrNumber
/// where there is none. A server call.
AttrNumber distribution_column(Oid table);

/// A server call.
inline bool is_distributed_by(Oid table, const char* column) {
  const AttrNumber by = distribution_column(table);
  return by != InvalidAttrNumber && by == get_attnum(table, column);
}

/// The reference tables, as oids. A server call.
List* reference_tables();

}  // namespace als::pg
