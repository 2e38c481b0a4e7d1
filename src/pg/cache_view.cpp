// als.cache: the images of models in memory.

#include "pg/model_cache.h"

namespace als::pg {

namespace {

const char* content_name(ImageKind kind) {
  switch (kind) {
    case ImageKind::kUserFactors:
      return "user factors";
    case ImageKind::kItemFactors:
      return "item factors";
    case ImageKind::kUserSearch:
      return "user search";
    case ImageKind::kItemSearch:
      return "item search";
  }
  return "";
}

/// One's own models, or all with pg_read_all_stats.
bool may_be_shown(const ImageKey& key) {
  if (has_privs_of_role(GetUserId(), ROLE_PG_READ_ALL_STATS)) return true;
  return key.database == MyDatabaseId &&
         pg_class_aclcheck(key.model, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
}

void add_row(ReturnSetInfo* result, const RegisteredImage& image, bool shared) {
  const ImageKey& key = image.key;
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
      Int64GetDatum(static_cast<int64>(image.bytes)),
      BoolGetDatum(shared),
      Int32GetDatum(static_cast<int32>(image.sessions)),
      Int64GetDatum(static_cast<int64>(image.hits)),
      TimestampTzGetDatum(image.last_used)};
  bool nulls[9] = {database == nullptr, !here};
  nulls[7] = nulls[8] = !shared;
  tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_cached_images)

/// als.cached_images(): rows (database, model, version, content, bytes, shared, sessions, hits,
/// last_used), those in shared memory and this session's own.
Datum als_cached_images(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  init_materialized_srf(fcinfo);
  auto* result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
  return guard([&] {
    forget_gone_models();
    for (const RegisteredImage& image : registered_images())
      server([&] { add_row(result, image, true); });
    for (const RegisteredImage& image : private_images())
      server([&] { add_row(result, image, false); });
    return static_cast<Datum>(0);
  });
}
