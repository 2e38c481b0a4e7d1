// Resolves and locks the name of a table to be written.
#include "pg/server/target_table.h"

#include "pg/server/short_lived_resources.h"

namespace als::pg {

namespace {

/// What of a name is locked, as parts of an object.
enum LockedPart : uint16 { kLockedName, kLockedTurn };

/// Locks on a name, so that two sessions that make the same table queue instead of colliding in
/// the catalogs. The object id is a hash: two names that share one merely wait for each other.
uint32 hash_of(Oid schema, const char* relation) {
  return static_cast<uint32>(hash_bytes_extended(reinterpret_cast<const unsigned char*>(relation),
                                                 static_cast<int>(std::strlen(relation)), schema));
}

LOCKTAG turn_lock(Oid schema, const char* relation) {
  LOCKTAG tag;
  SET_LOCKTAG_OBJECT(tag, MyDatabaseId, RelationRelationId, hash_of(schema, relation), kLockedTurn);
  return tag;
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

void TargetTable::check_may_make() const {
  if (OidIsValid(find())) return;
  server([&] {
    const char* schema = get_namespace_name(schema_);
    if (schema != nullptr && !may_in_schema(schema_, ACL_CREATE))
      aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_SCHEMA, schema);
  });
}

void TargetTable::claim() const {
  server([&] {
    LockDatabaseObject(RelationRelationId, hash_of(schema_, relation_.c_str()), kLockedName,
                       ExclusiveLock);
  });
}

Oid TargetTable::find_or_claim() const {
  for (;;) {
    check_may_make();
    if (const Oid found = find(); OidIsValid(found)) return found;
    ShortLivedResources locks;
    claim();
    if (!OidIsValid(find())) {
      locks.keep();
      return InvalidOid;
    }
    // Who waits for a relation does not have its name: whoever has the relation may want that next.
    locks.release();
  }
}

Oid TargetTable::find() const {
  return server([&] { return get_relname_relid(relation_.c_str(), schema_); });
}

Oid TargetTable::find_made() const {
  const Oid table = find();
  if (!OidIsValid(table))
    throw UserError(ERRCODE_UNDEFINED_TABLE,
                    format("table \"%s\" was gone as soon as it was made", relation_.c_str()),
                    "See whether an event trigger drops or renames it: \\dy in psql lists them.");
  return table;
}

// A lock of the session, as VACUUM takes it: the abort of a transaction releases it too.
void TargetTable::take_turn() const {
  server([&] {
    const LOCKTAG tag = turn_lock(schema_, relation_.c_str());
    LockAcquire(&tag, ExclusiveLock, true, false);
    AcceptInvalidationMessages();
  });
}

// A shared lock, because those who call this queue for the relation. An ending transaction releases
// its locks one by one: whoever it wakes by giving up the relation may well find it with its turn.
bool TargetTable::try_turn() const {
  return server([&] {
    const LOCKTAG tag = turn_lock(schema_, relation_.c_str());
    return LockAcquire(&tag, ShareLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
  });
}

void TargetTable::end_turn() const {
  server([&] {
    const LOCKTAG tag = turn_lock(schema_, relation_.c_str());
    LockRelease(&tag, ExclusiveLock, true);
  });
}

std::string TargetTable::qualified_name() const {
  return server([&] {
    const char* schema = get_namespace_name(schema_);
    if (schema == nullptr)
      ereport(ERROR, (errcode(ERRCODE_UNDEFINED_SCHEMA),
                      errmsg("the schema of \"%s\" was dropped meanwhile", relation_.c_str())));
    return quote_qualified_identifier(schema, relation_.c_str());
  });
}

}  // namespace als::pg
