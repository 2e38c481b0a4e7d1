#include "pg/model_store.h"

#include "core/options.h"

namespace als::pg {

namespace {

/// A lock on a name, so that two sessions that make the same model queue instead of colliding in
/// the catalogs. The object id is a hash: two names that share one merely wait for each other.
void lock_name(Oid schema, const char* relation) {
  uint32 hash = hash_bytes_extended(reinterpret_cast<const unsigned char*>(relation),
                                    static_cast<int>(std::strlen(relation)), schema);
  LockDatabaseObject(RelationRelationId, hash, 0, ExclusiveLock);
}

}  // namespace

ModelStore::ModelStore(const std::string& name) {
  relation_ = server([&]() -> const char* {
    RangeVar* range = makeRangeVarFromNameList(textToQualifiedNameList(
        cstring_to_text_with_len(name.data(), static_cast<int>(name.size()))));
    Oid existing = RangeVarGetRelid(range, NoLock, true);
    schema_ =
        OidIsValid(existing) ? get_rel_namespace(existing) : RangeVarGetCreationNamespace(range);
    return range->relname;
  });
}

void ModelStore::lock(bool replace) {
  server([&] {
    lock_name(schema_, relation_.c_str());
    table_ = get_relname_relid(relation_.c_str(), schema_);
  });
  if (!OidIsValid(table_)) return;
  if (!replace)
    throw UserError(ERRCODE_DUPLICATE_TABLE,
                    format("relation \"%s\" already exists", relation_.c_str()),
                    "Use replace => true to train an existing model anew.");
  check_is_model(table_);
  lock_tables();
}

std::string ModelStore::qualified_name() const {
  return server(
      [&] { return quote_qualified_identifier(get_namespace_name(schema_), relation_.c_str()); });
}

/// Finds the factor tables of the newest run, if there is one and they still exist.
void ModelStore::find_factor_tables() {
  SPIPlanPtr plan = prepare("select user_factors, item_factors from only " + qualified_name() +
                            " order by run desc limit 1");
  for_each_row(plan, {}, {REGCLASSOID, REGCLASSOID}, [&](TupleTableSlot* slot) {
    user_factors_ = slot->tts_isnull[0] ? InvalidOid : DatumGetObjectId(slot->tts_values[0]);
    item_factors_ = slot->tts_isnull[1] ? InvalidOid : DatumGetObjectId(slot->tts_values[1]);
  });
  if (relation_name(user_factors_).empty()) user_factors_ = InvalidOid;
  if (relation_name(item_factors_).empty()) item_factors_ = InvalidOid;
}

/// Readers go on undisturbed; anyone else who would change the model's rows waits. The factor
/// tables come first, as in a statement that changes them and whose trigger then updates the model
/// row.
void ModelStore::lock_tables() {
  SnapshotScope snapshot;
  find_factor_tables();
  std::string tables;
  for (Side side : {Side::kUsers, Side::kItems})
    if (OidIsValid(factor_table(side))) tables += relation_name(factor_table(side)) + ", ";
  execute("lock table only " + tables + qualified_name() + " in share row exclusive mode");
  snapshot.pop();
}

void ModelStore::create_model_table() {
  execute("create table " + qualified_name() + " of als.model (run primary key)");
  table_ = server([&] { return get_relname_relid(relation_.c_str(), schema_); });
}

void ModelStore::create_factor_table(Side side, const IdType& type, bool unlogged) {
  // taste_user_factors, shortened or numbered as the server does with names that it makes up. (The
  // model row says which tables are the model's, not their names.)
  const char* name = server([&] {
    return ChooseRelationName(relation_.c_str(), side_name(side), "factors", schema_, false);
  });
  std::string table =
      server([&] { return quote_qualified_identifier(get_namespace_name(schema_), name); });
  std::string id_type = server([&]() -> const char* {
    char* text =
        format_type_extended(type.oid, -1, FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
    if (!OidIsValid(type.collation) || type.collation == get_typcollation(type.oid)) return text;
    return psprintf("%s collate %s", text, generate_collation_name(type.collation));
  });
  bool temporary = server([&] { return isAnyTempNamespace(schema_); });  // never logged anyway
  execute(std::string("create ") + (unlogged && !temporary ? "unlogged " : "") + "table " + table +
          " (" + id_column(side) + " " + id_type +
          " primary key, factors real[] not null, bias real, n_ratings int)");
  // Vectors kept in the row, uncompressed, read several times faster; they fit a page.
  if (kMaxFactors * sizeof(float4) + 3000 < BLCKSZ)
    execute("alter table " + table + " alter factors set storage plain");
  // Whoever changes the rows by hand gives the model a new version, see als.factors_changed().
  execute("create trigger als_version after insert or update or delete or truncate on " + table +
          " for each statement execute function als.factors_changed()");
  Oid created = server([&] { return get_relname_relid(name, schema_); });
  (side == Side::kUsers ? user_factors_ : item_factors_) = created;
}

void ModelStore::check_factor_table(Side side, const IdType& type, bool unlogged) const {
  const char* there = server([&]() -> const char* {
    Oid table = factor_table(side);
    AttrNumber column = get_attnum(table, id_column(side));
    Oid found = column == InvalidAttrNumber ? InvalidOid : get_atttype(table, column);
    if (found == type.oid) return nullptr;
    return OidIsValid(found) ? format_type_be(found) : "missing";
  });
  if (there != nullptr)
    throw UserError(ERRCODE_DATATYPE_MISMATCH,
                    format("%s ids of the source are %s, but those of model %s are %s",
                           side_name(side), type.name, qualified_name().c_str(), there),
                    "Cast the column in a source query, or remove the model with als.drop_model "
                    "and train it anew.");
  char persistence = server([&] { return get_rel_persistence(factor_table(side)); });
  if (unlogged && persistence == RELPERSISTENCE_PERMANENT)
    throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format("the factor tables of model %s are logged", qualified_name().c_str()),
                    "Retraining keeps the tables as they are: use ALTER TABLE ... SET UNLOGGED.");
}

/// Dropping the model table takes its factor tables along. A dump does not keep such a dependency,
/// so every training sees to it.
void ModelStore::depend_on_model(Oid factors) {
  server([&] {
    ObjectAddress dependent;
    ObjectAddress model;
    ObjectAddressSet(dependent, RelationRelationId, factors);
    ObjectAddressSet(model, RelationRelationId, table_);
    deleteDependencyRecordsForClass(RelationRelationId, factors, RelationRelationId,
                                    DEPENDENCY_AUTO);
    recordDependencyOn(&dependent, &model, DEPENDENCY_AUTO);
  });
}

void ModelStore::prepare_tables(const RatingSource& source, bool unlogged) {
  if (!OidIsValid(table_)) create_model_table();
  for (Side side : {Side::kUsers, Side::kItems}) {
    const IdType& type = side == Side::kUsers ? *source.user_type : *source.item_type;
    if (OidIsValid(factor_table(side)))
      check_factor_table(side, type, unlogged);
    else
      create_factor_table(side, type, unlogged);
    depend_on_model(factor_table(side));
  }
}

void ModelStore::write_factors(Side side, const TrainedRows& rows) {
  std::string table = relation_name(factor_table(side));
  // Not truncate: readers with an older snapshot must go on seeing the rows of their time.
  execute("delete from only " + table);
  TrainedRowsScope scope(&rows);
  execute("insert into " + table + " (" + id_column(side) +
              ", factors, bias, n_ratings) select als.trained_id(n, $1), als.trained_factors(n), "
              "als.trained_bias(n), als.trained_n_ratings(n) from pg_catalog.generate_series(0, "
              "$2) as n",
          {{rows.ids->type().oid, 0, true},
           {INT8OID, Int64GetDatum(static_cast<int64>(rows.order.size()) - 1)}});
}

}  // namespace als::pg
