// Resolves and locks the name of a table to be written.
#include "pg/server/target_table.h"

namespace als::pg {

namespace {

/// A lock on a name, so that two sessions that make the same table queue instead of colliding in
/// the catalogs. The object id is a hash: two names that share one merely wait for each other.
void lock_name(Oid schema, const char* relation) {
  uint32 hash = hash_bytes_extended(reinterpret_cast<const unsigned char*>(relation),
                                    static_cast<int>(std::strlen(relation)), schema);
  LockDatabaseObject(RelationRelationId, hash, 0, ExclusiveLock);
}

}  // namespace

TargetTable::TargetTable(const std::string& name) {
  relation_ = server([&]() -> const char* {
    RangeVar* range = makeRangeVarFromNameList(textToQualifiedNameList(
        cstring_to_text_with_len(name.data(), static_cast<int>(name.size()))));
    Oid existing = RangeVarGetRelid(range, NoLock, true);
    schema_ =
        OidIsValid(existing) ? get_rel_namespace(existing) : RangeVarGetCreationNamespace(range);
    return range->relname;
  });
}

Oid TargetTable::lock() const {
  server([&] { lock_name(schema_, relation_.c_str()); });
  return find();
}

Oid TargetTable::find() const {
  return server([&] { return get_relname_relid(relation_.c_str(), schema_); });
}

std::string TargetTable::qualified_name() const {
  return server(
      [&] { return quote_qualified_identifier(get_namespace_name(schema_), relation_.c_str()); });
}

}  // namespace als::pg
