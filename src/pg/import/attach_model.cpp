// als.attach_model: tables of factors that are there become those of a model, without a copy.

#include "core/base/limits.h"
#include "pg/import/foreign_factors.h"
#include "pg/model/model_source.h"
#include "pg/model/ownership.h"
#include "pg/server/may_write.h"
#include "pg/source/relations_read.h"
#include "pg/sql/expanded_row.h"
#include "pg/sql/result_rows.h"
#include "pg/sql/target_columns.h"

namespace als::pg {

namespace {

struct AttachRequest : ForeignFactors {
  std::string model;
  BySide<Oid> tables;
};

AttachRequest attach_request(FunctionCallInfo fcinfo) {
  const NamedArgs args(fcinfo);
  AttachRequest request{};
  request.model = args.text("model");
  request.tables.users = DatumGetObjectId(args.datum("user_table"));
  request.tables.items = DatumGetObjectId(args.datum("item_table"));
  static_cast<ForeignFactors&>(request) = foreign_factors(args);
  if (request.tables.users == request.tables.items)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "user_table and item_table are one table",
                    "Users and items have a table of factors each.");
  return request;
}

[[noreturn]] void refuse(Oid table, int sqlstate, const char* what, const std::string& hint) {
  throw UserError(sqlstate, format("table %s %s", relation_name(table).c_str(), what), hint);
}

/// Throws unless the table has the column, and of this type; InvalidOid: of any.
void check_column(Oid table, const char* column, Oid type, const std::string& way_out) {
  const Oid found = server([&] { return column_type_of(table, column).type; });
  const std::string name = relation_name(table);
  if (!OidIsValid(found))
    refuse(table, ERRCODE_UNDEFINED_COLUMN, format("has no column \"%s\"", column).c_str(),
           format("Use ALTER TABLE %s %s.", name.c_str(), way_out.c_str()));
  if (found == type || !OidIsValid(type)) return;
  const char* found_name = server([&] { return format_type_be(found); });
  const char* wanted_name = server([&] { return format_type_be(type); });
  refuse(table, ERRCODE_DATATYPE_MISMATCH,
         format("has a column \"%s\" of type %s instead of %s", column, found_name, wanted_name)
             .c_str(),
         format("Use ALTER TABLE %s ALTER COLUMN %s TYPE %s.", name.c_str(), column, wanted_name));
}

void check_columns(Oid table, Side side) {
  const std::string id = id_column(side);
  check_column(table, id.c_str(), InvalidOid, "RENAME COLUMN ... TO " + id);
  check_column(table, "factors", FLOAT4ARRAYOID, "RENAME COLUMN ... TO factors");
  check_column(table, "bias", FLOAT4OID, "ADD COLUMN bias real");
  check_column(table, "n_ratings", INT4OID, "ADD COLUMN n_ratings int");
}

bool is_primary_key(Oid table, const char* column) {
  return server([&] {
    Relation relation = table_open(table, AccessShareLock);
    list_free(RelationGetIndexList(relation));  // looks the primary key up
    bool found = false;
    if (OidIsValid(relation->rd_pkindex)) {
      Relation index = index_open(relation->rd_pkindex, AccessShareLock);
      found = index->rd_index->indnkeyatts == 1 &&
              index->rd_index->indkey.values[0] == get_attnum(table, column);
      index_close(index, NoLock);
    }
    table_close(relation, NoLock);
    return found;
  });
}

/// An ordinary table of the caller's own: whoever owns a model may change its factors and whatever
/// depends on their tables. To be asked before it is locked, too: of a view LOCK TABLE locks what
/// it reads, and nobody is to wait for what is another's.
void check_is_table_of_caller(Oid table) {
  if (relation_name(table).empty())
    throw UserError(ERRCODE_UNDEFINED_TABLE, format("there is no table with the OID %u", table),
                    "Name a table of factors.");
  const char* owner = server([&]() -> const char* {
    const Oid found = owner_of(table);
    return found == GetUserId() ? nullptr : quote_identifier(GetUserNameFromId(found, false));
  });
  if (owner != nullptr)
    refuse(table, ERRCODE_INSUFFICIENT_PRIVILEGE, format("belongs to %s", owner).c_str(),
           format("A model and its factor tables have one owner: use SET ROLE %s, or ALTER TABLE "
                  "... OWNER TO.",
                  owner));
  const bool is_ordinary = server([&] {
    return get_rel_relkind(table) == RELKIND_RELATION && !get_rel_relispartition(table) &&
           !has_superclass(table);
  });
  if (!is_ordinary)
    refuse(table, ERRCODE_WRONG_OBJECT_TYPE, "is not an ordinary table",
           "Factors are in a table of their own, which is no partition and inherits from none.");
}

void check_table(Oid table, Side side) {
  check_is_table_of_caller(table);
  if (server([&] { return find_inheritance_children(table, NoLock) != NIL; }))
    refuse(table, ERRCODE_WRONG_OBJECT_TYPE, "is not an ordinary table",
           "Other tables inherit from it, whose rows would be no factors: use ALTER TABLE ... NO "
           "INHERIT for them.");
  check_sees_all_rows(table);
  check_columns(table, side);
  const char* id = id_column(side);
  if (!is_primary_key(table, id))
    refuse(table, ERRCODE_INVALID_TABLE_DEFINITION, format("has no primary key on %s", id).c_str(),
           format("Use ALTER TABLE %s ADD PRIMARY KEY (%s).", relation_name(table).c_str(), id));
  const Oid model = server([&] { return recorded_model(table); });
  if (OidIsValid(model))
    refuse(table, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
           format("holds the factors of model %s", relation_name(model).c_str()).c_str(),
           "Each model has tables of its own; see als.drop_model.");
  if (server([&] { return is_watched(table); }))
    refuse(table, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "has the trigger of a factor table",
           "If no model needs it, remove it with DROP TRIGGER.");
  server([&] {
    const CollatedType type = column_type_of(table, id);
    describe_id_type(type.type, type.collation, "factor ids");
  });
}

/// Items are searched where the call runs, so every node of a cluster has all of them.
void check_spread(const BySide<Oid>& tables) {
  const BySide<TableSpread> spread{server([&] { return cluster_table(tables.users).spread; }),
                                   server([&] { return cluster_table(tables.items).spread; })};
  if (spread.users == TableSpread::kNone && spread.items == TableSpread::kNone) return;
  if (spread.items != TableSpread::kReference)
    refuse(tables.items, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "is not on all nodes",
           format("Use SELECT create_reference_table('%s').", relation_name(tables.items).c_str()));
  if (spread.users == TableSpread::kNone)
    refuse(tables.users, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "is on this node only",
           format("Use SELECT create_distributed_table('%s', 'user_id').",
                  relation_name(tables.users).c_str()));
}

/// What a table of factors holds.
struct Contents {
  std::int64_t rows = 0;
  int length = 0;  ///< of all vectors
  bool has_bias = false;
};

Contents contents_of(Oid table) {
  Contents contents;
  const std::string name = relation_name(table);
  std::int64_t vectors = 0;
  int longest = 0;
  bool are_flat = true;
  for_each_row(
      prepare("select pg_catalog.count(*), pg_catalog.count(factors), pg_catalog.count(bias), "
              "coalesce(pg_catalog.min(pg_catalog.cardinality(factors)), 0), "
              "coalesce(pg_catalog.max(pg_catalog.cardinality(factors)), 0), "
              "coalesce(pg_catalog.max(pg_catalog.array_ndims(factors)), 1) from only " +
              name),
      {}, {INT8OID, INT8OID, INT8OID, INT4OID, INT4OID, INT4OID}, [&](TupleTableSlot* slot) {
        contents.rows = DatumGetInt64(slot->tts_values[0]);
        vectors = DatumGetInt64(slot->tts_values[1]);
        contents.has_bias = DatumGetInt64(slot->tts_values[2]) > 0;
        contents.length = DatumGetInt32(slot->tts_values[3]);
        longest = DatumGetInt32(slot->tts_values[4]);
        are_flat = DatumGetInt32(slot->tts_values[5]) == 1;
      });
  if (contents.rows == 0)
    refuse(table, ERRCODE_NO_DATA_FOUND, "has no rows",
           "A model has at least one user and one item.");
  if (vectors < contents.rows)
    refuse(table, ERRCODE_NULL_VALUE_NOT_ALLOWED, "has rows without factors",
           format("Use DELETE FROM %s WHERE factors IS NULL.", name.c_str()));
  if (!are_flat || contents.length != longest)
    refuse(table, ERRCODE_ARRAY_SUBSCRIPT_ERROR,
           are_flat
               ? format("has vectors of %d and of %d elements", contents.length, longest).c_str()
               : "has vectors of several dimensions",
           "All vectors of a model are arrays of one dimension and one length.");
  if (contents.length < 1 || contents.length > kMaxFactors)
    refuse(table, ERRCODE_INVALID_PARAMETER_VALUE,
           format("has vectors of %d elements", contents.length).c_str(),
           "A model has between 1 and 1024 factors.");
  return contents;
}

BySide<Contents> contents_of(const BySide<Oid>& tables) {
  const BySide<Contents> contents{contents_of(tables.users), contents_of(tables.items)};
  if (contents.users.length != contents.items.length)
    throw UserError(ERRCODE_ARRAY_SUBSCRIPT_ERROR,
                    format("table %s has vectors of %d elements, table %s of %d",
                           relation_name(tables.users).c_str(), contents.users.length,
                           relation_name(tables.items).c_str(), contents.items.length),
                    "All vectors of a model have one length.");
  return contents;
}

/// What the source says of its ratings.
struct RatingSummary {
  std::int64_t rows = 0;
  std::int64_t ratings = 0;
  double weight = 0;
  double sum = 0;  ///< by their weights
  float lowest = 0;
  float highest = 0;
};

/// A user's rows are looked up by the id that the factors have, and are to be those of that user
/// alone.
void check_ids(const DescribedSource& source, const BySide<Oid>& tables) {
  for (Side side : {Side::kUsers, Side::kItems}) {
    const CollatedType rated = source.id_types[side]->collated();
    const CollatedType ids = server([&] { return column_type_of(tables[side], id_column(side)); });
    const bool can_be_found = server([&] {
      Oid function;
      return hold_same_equal(ids.collation, rated.collation) &&
             (ids.type == rated.type ||
              find_coercion_pathway(getBaseType(rated.type), ids.type, COERCION_ASSIGNMENT,
                                    &function) != COERCION_PATH_NONE);
    });
    if (!can_be_found)
      throw UserError(
          ERRCODE_DATATYPE_MISMATCH,
          format("%s ids of the source are %s, those of table %s are %s", side_name(side),
                 server([&] { return type_name(rated); }), relation_name(tables[side]).c_str(),
                 server([&] { return type_name(ids); })),
          "Cast the column in a source query.");
  }
}

/// The server does the counting, wherever the rows are.
RatingSummary summary_of(const RatingSource& named, const BySide<Oid>& tables,
                         MemoryContext context) {
  const DescribedSource source = describe_source(named, context);
  check_ids(source, tables);
  SourceNames names(source);
  RatingSummary summary;
  for_each_row(
      prepare("select pg_catalog.count(*), pg_catalog.count(rating), "
              "coalesce(pg_catalog.sum(case when rating is not null then weight end), 0), "
              "coalesce(pg_catalog.sum(weight operator(pg_catalog.*) rating), 0), "
              "coalesce(pg_catalog.min(rating), 0), coalesce(pg_catalog.max(rating), 0) from "
              "(select weight, case when weight operator(pg_catalog.>) 0 then rating end as rating "
              "from (select " +
              source.rating_as_float8() + " as rating, " + source.weight_as_float8() +
              " as weight from " + source.rows_that_count() + ") read) counted"),
      {}, {INT8OID, INT8OID, FLOAT8OID, FLOAT8OID, FLOAT8OID, FLOAT8OID},
      [&](TupleTableSlot* slot) {
        summary.rows = DatumGetInt64(slot->tts_values[0]);
        summary.ratings = DatumGetInt64(slot->tts_values[1]);
        summary.weight = DatumGetFloat8(slot->tts_values[2]);
        summary.sum = DatumGetFloat8(slot->tts_values[3]);
        summary.lowest = static_cast<float>(DatumGetFloat8(slot->tts_values[4]));
        summary.highest = static_cast<float>(DatumGetFloat8(slot->tts_values[5]));
      });
  names.end();
  return summary;
}

BySide<const IdType*> id_types_of(const BySide<Oid>& tables, MemoryContext context) {
  BySide<const IdType*> types;
  server([&] {
    MemoryContext old = MemoryContextSwitchTo(context);
    for (Side side : {Side::kUsers, Side::kItems}) {
      const CollatedType type = column_type_of(tables[side], id_column(side));
      types[side] = describe_id_type(type.type, type.collation, "factor ids");
    }
    MemoryContextSwitchTo(old);
  });
  return types;
}

/// Throws what a call that serves the model would throw.
void check_serves(Oid table) {
  SnapshotScope snapshot;
  const Model model = read_model(table);
  if (!model.source.is_none()) trusted_source(model);
  if (!model.seen.is_none()) trusted_seen(model);
  snapshot.pop();
}

void attach_model(ModelWriter& store, const AttachRequest& request, MemoryContext context) {
  if (OidIsValid(store.target_table().find()))
    throw UserError(
        ERRCODE_DUPLICATE_TABLE,
        format("relation \"%s\" already exists", store.target_table().relation().c_str()),
        "Give the model another name, or remove this one with als.drop_model.");
  for (Oid table : {request.tables.users, request.tables.items}) check_is_table_of_caller(table);
  std::vector<RelationLock> besides = relations_read(request.sources());
  for (Oid table : {request.tables.users, request.tables.items})
    besides.push_back({table, ShareRowExclusiveLock});
  store.lock(false, besides);
  store.claim_turn();
  execute("lock table only " + locked_name(request.tables.users) + ", " +
          locked_name(request.tables.items) + " in share row exclusive mode");
  // Whoever was waited for may have attached or altered them, or given them away.
  for (Side side : {Side::kUsers, Side::kItems}) check_table(request.tables[side], side);
  check_spread(request.tables);
  store.attach_tables(request.tables);
  SnapshotScope snapshot;
  const BySide<Contents> contents = contents_of(request.tables);
  const bool biases = contents.users.has_bias || contents.items.has_bias;
  if (biases) check_may_have_biases(request, "Set the columns bias to null");
  std::optional<RatingSummary> ratings;
  if (request.source) ratings = summary_of(*request.source, request.tables, context);
  if (request.seen) check_seen(*request.seen, id_types_of(request.tables, context), context);
  snapshot.pop();

  RunRow row = foreign_run_row(request, contents.users.length, biases);
  row.add("n_users", bigint_param(contents.users.rows));
  row.add("n_items", bigint_param(contents.items.rows));
  row.add("mean", float_param(mean_of(request, biases, ratings ? ratings->weight : 0,
                                      ratings ? ratings->sum : 0)));
  if (ratings) {
    row.add("n_rows", bigint_param(ratings->rows));
    if (ratings->ratings > 0) {
      row.add("lowest_rating", real_param(ratings->lowest));
      row.add("highest_rating", real_param(ratings->highest));
    }
  }
  row.insert(store);
  SPITupleTable* inserted_row = SPI_tuptable;
  check_serves(store.table());
  SPI_tuptable = inserted_row;
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_attach_model)

/// als.attach_model(...): als.model, see sql/als--1.1.sql
Datum als_attach_model(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    return once_for_all_columns(fcinfo, [&] {
      MemoryContext context = CurrentMemoryContext;
      check_may_write("als.attach_model()");
      const AttachRequest request = attach_request(fcinfo);
      SpiConnection spi;
      ModelWriter store(request.model);
      attach_model(store, request, context);
      Datum result = result_row(fcinfo, context);
      spi.finish();
      return result;
    });
  });
}
