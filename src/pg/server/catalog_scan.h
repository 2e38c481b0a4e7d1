// Looking rows up in a catalog.
#pragma once

#include "pg/server/pg.h"

namespace als::pg {

/// Calls on_row(row, columns) for the rows of a catalog whose columns of type oid hold these
/// values, until it returns true; returns whether it did. InvalidOid for the index reads the whole
/// catalog, as is done with a short one: a session's first use of an index takes longer. A server
/// call.
template <class OnRow>
bool find_in_catalog(Oid catalog, Oid index, std::initializer_list<std::pair<AttrNumber, Oid>> keys,
                     OnRow on_row) {
  ScanKeyData conditions[3];
  int n = 0;
  for (const auto& [column, value] : keys)
    ScanKeyInit(&conditions[n++], column, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(value));
  Relation relation = table_open(catalog, AccessShareLock);
  constexpr BlockNumber kShort = 1;
  const bool by_index = OidIsValid(index) && RelationGetNumberOfBlocks(relation) > kShort;
  SysScanDesc scan = systable_beginscan(relation, index, by_index, nullptr, n, conditions);
  bool found = false;
  for (HeapTuple row; !found && HeapTupleIsValid(row = systable_getnext(scan));)
    found = on_row(row, RelationGetDescr(relation));
  systable_endscan(scan);
  table_close(relation, AccessShareLock);
  return found;
}

/// The value of a column of a row that is a catalog's own, not a value of a type that may have
/// changed meanwhile.
inline Datum catalog_column(HeapTuple row, AttrNumber column, TupleDesc columns, bool* is_null) {
  if (column > HeapTupleHeaderGetNatts(row->t_data))
    return getmissingattr(columns, column, is_null);
  return fastgetattr(row, column, columns, is_null);
}

}  // namespace als::pg
