// als.cache: the segments of models in memory.

#include "pg/cache/model_cache.h"
#include "pg/sql/result_rows.h"

namespace als::pg {

namespace {

const char* content_name(SegmentKind kind) {
  switch (kind) {
    case SegmentKind::kUserFactors:
      return "user factors";
    case SegmentKind::kItemFactors:
      return "item factors";
    case SegmentKind::kUserSearch:
      return "user search";
    case SegmentKind::kItemSearch:
      return "item search";
    case SegmentKind::kUserCosineSearch:
      return "user cosine search";
    case SegmentKind::kItemCosineSearch:
      return "item cosine search";
  }
  return "";
}

/// One's own models, or all with pg_read_all_stats.
bool may_be_shown(const SegmentKey& key) {
  if (has_privs_of_role(GetUserId(), kReadAllStats)) return true;
  return key.database == MyDatabaseId &&
         pg_class_aclcheck(key.model, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

void add_row(ResultRows& rows, const RegisteredSegment& segment, bool shared) {
  const SegmentKey& key = segment.key;
  const bool here = key.database == MyDatabaseId;
  if (here && !SearchSysCacheExists1(RELOID, ObjectIdGetDatum(key.model))) return;
  if (!may_be_shown(key)) return;
  const char* database = get_database_name(key.database);
  auto* version = static_cast<pg_uuid_t*>(palloc(sizeof(pg_uuid_t)));
  std::memcpy(version->data, key.table.version.data(), UUID_LEN);
  Datum values[9] = {
      database == nullptr ? 0 : DirectFunctionCall1(namein, CStringGetDatum(database)),
      ObjectIdGetDatum(key.model),
      UUIDPGetDatum(version),
      CStringGetTextDatum(content_name(key.kind)),
      Int64GetDatum(static_cast<int64>(segment.bytes)),
      BoolGetDatum(shared),
      Int32GetDatum(static_cast<int32>(segment.sessions)),
      Int64GetDatum(static_cast<int64>(segment.hits)),
      TimestampTzGetDatum(segment.last_used)};
  bool nulls[9] = {database == nullptr, !here};
  nulls[7] = nulls[8] = !shared;
  rows.put(values, nulls);
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_cached_images)

/// als._cached_segments(): rows (database, model, version, content, bytes, shared, sessions, hits,
/// last_used), those in shared memory and this session's own. Called as in als 1.0, whose script
/// needs the name.
Datum als_cached_images(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    ResultRows rows(fcinfo);
    forget_gone_models();
    for (const RegisteredSegment& segment : registered_segments())
      server([&] { add_row(rows, segment, true); });
    for (const RegisteredSegment& segment : private_segments())
      server([&] { add_row(rows, segment, false); });
    return static_cast<Datum>(0);
  });
}
