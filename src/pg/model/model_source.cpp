// Whether reading a model's source would run anything of a role that the caller does not trust.
#include "pg/model/model_source.h"

#include "pg/model/newest_run.h"
#include "pg/model/ownership.h"
#include "pg/server/short_lived_resources.h"
#include "pg/server/trust.h"
#include "pg/source/relations_read.h"

namespace als::pg {

namespace {

const char* role_name(Oid role) { return quote_identifier(GetUserNameFromId(role, false)); }

/// Whether an expression that a catalog holds is trusted, null being none.
bool trusts_stored_expression(int cache, HeapTuple tuple, AttrNumber column) {
  bool is_null;
  const Datum stored = SysCacheGetAttr(cache, tuple, column, &is_null);
  return is_null ||
         caller_trusts_expression(static_cast<Node*>(stringToNode(TextDatumGetCString(stored))));
}

bool trusts_index(Oid index, List*& looked_at) {
  LockRelationOid(index, AccessShareLock);
  looked_at = lappend_oid(looked_at, index);
  HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
  if (!HeapTupleIsValid(tuple)) return true;
  const bool trusts = trusts_stored_expression(INDEXRELID, tuple, Anum_pg_index_indexprs) &&
                      trusts_stored_expression(INDEXRELID, tuple, Anum_pg_index_indpred);
  ReleaseSysCache(tuple);
  return trusts;
}

bool trusts_indexes(Relation table, List*& looked_at) {
  ListCell* index;
  foreach (index, RelationGetIndexList(table))
    if (!trusts_index(lfirst_oid(index), looked_at)) return false;
  return true;
}

bool trusts_checks(Relation table) {
  const TupleConstr* constraints = RelationGetDescr(table)->constr;
  if (constraints == nullptr) return true;
  for (int i = 0; i < constraints->num_check; ++i)
    if (!caller_trusts_expression(static_cast<Node*>(stringToNode(constraints->check[i].ccbin))))
      return false;
  return true;
}

bool trusts_statistics([[maybe_unused]] Relation table, [[maybe_unused]] List*& looked_at) {
#if PG_VERSION_NUM >= 140000
  ListCell* statistics;
  foreach (statistics, RelationGetStatExtList(table)) {
    looked_at = lappend_oid(looked_at, lfirst_oid(statistics));
    HeapTuple tuple = SearchSysCache1(STATEXTOID, ObjectIdGetDatum(lfirst_oid(statistics)));
    if (!HeapTupleIsValid(tuple)) continue;
    const bool trusts = trusts_stored_expression(STATEXTOID, tuple, Anum_pg_statistic_ext_stxexprs);
    ReleaseSysCache(tuple);
    if (!trusts) return false;
  }
#endif
  return true;
}

bool trusts_partition_key(Oid table) {
  HeapTuple tuple = SearchSysCache1(PARTRELID, ObjectIdGetDatum(table));
  if (!HeapTupleIsValid(tuple)) return true;
  const bool trusts =
      trusts_stored_expression(PARTRELID, tuple, Anum_pg_partitioned_table_partexprs);
  ReleaseSysCache(tuple);
  return trusts;
}

/// Why reading a table, or a part of one, could evaluate something of its owner's; null if it
/// cannot. The planner evaluates what is constant in expressions of indexes, constraints and the
/// like. Adds what has been looked at.
const char* code_in(Oid oid, List*& looked_at) {
  looked_at = lappend_oid(looked_at, oid);
  Relation table = try_relation_open(oid, NoLock);
  if (table == nullptr) return nullptr;
  const Oid owner = table->rd_rel->relowner;
  const char* what = nullptr;
  if (!caller_trusts(owner)) {
    switch (table->rd_rel->relkind) {
      case RELKIND_RELATION:
      case RELKIND_PARTITIONED_TABLE:
      case RELKIND_MATVIEW:
        if (!(trusts_indexes(table, looked_at) && trusts_checks(table) &&
              trusts_statistics(table, looked_at) && trusts_partition_key(oid)))
          what =
              "has an index, constraint, statistics or partition key with a function that does "
              "not belong to a role you trust";
        break;
      case RELKIND_VIEW:
        what = "is a view";
        break;
      default:
        what = "is, or has as a part, a foreign table";
    }
  }
  relation_close(table, NoLock);
  if (what == nullptr) return nullptr;
  return psprintf("Table %s of role %s %s.", get_rel_name(oid), role_name(owner), what);
}

/// The type of a column may bring casts of its owner's.
const char* distrusted_column(Oid table, const char* column) {
  const Oid type = get_atttype(table, get_attnum(table, column));
  if (OidIsValid(type) && caller_trusts_type(type)) return nullptr;
  return psprintf(
      "Column \"%s\" of table %s is missing or of a type that does not belong to a role "
      "you trust.",
      column, get_rel_name(table));
}

/// The same of all columns, of which there are n.
const char* distrusted_columns(Oid table, int n) {
  for (int i = 1; i <= n; ++i) {
    const Oid type = get_atttype(table, static_cast<AttrNumber>(i));
    if (OidIsValid(type) && !caller_trusts_type(type))
      return psprintf("Table %s has a column of a type that does not belong to a role you trust.",
                      get_rel_name(table));
  }
  return nullptr;
}

/// The same of the columns of a source: of features all are read.
const char* distrusted_columns(const RatingSource& source, int n) {
  if (source.user_col.empty()) return distrusted_columns(source.table, n);
  for (const std::string* column : {&source.user_col, &source.item_col})
    if (const char* what = distrusted_column(source.table, column->c_str())) return what;
  for (const auto* column : {&source.rating_col, &source.time_col, &source.weight_col})
    if (*column)
      if (const char* what = distrusted_column(source.table, (*column)->c_str())) return what;
  return nullptr;
}

const char* look_at_table(const RatingSource& source, List*& looked_at) {
  const Oid table = source.table;
  Relation relation = try_relation_open(table, AccessShareLock);
  if (relation == nullptr) return nullptr;  // gone, as whoever reads it will say
  const Oid owner = relation->rd_rel->relowner;
  const bool has_parts = relation->rd_rel->relhassubclass;
  const int columns = RelationGetNumberOfAttributes(relation);
  relation_close(relation, NoLock);
  if (!caller_trusts(owner)) {
    if (check_enable_rls(table, InvalidOid, true) == RLS_ENABLED)
      return psprintf("Table %s has row-level security by role %s.", get_rel_name(table),
                      role_name(owner));
    if (const char* what = distrusted_columns(source, columns)) return what;
  }
  if (!has_parts) return code_in(table, looked_at);
  ListCell* part;
  foreach (part, find_all_inheritors(table, AccessShareLock, nullptr))
    if (const char* what = code_in(lfirst_oid(part), looked_at)) return what;
  return nullptr;
}

/// What has been found while another session was waited for may have company since: looks again
/// until nothing new has come. The last look has not waited, as it has found all locks taken.
const char* distrust_of_table(const RatingSource& source) {
  for (List* last = nullptr;;) {
    List* looked_at = nullptr;
    const char* what = look_at_table(source, looked_at);
    if (what != nullptr || equal(looked_at, last)) return what;
    last = looked_at;
    CHECK_FOR_INTERRUPTS();
  }
}

/// As it is now, whether trusted or not.
RatingSource as_it_is_now(RatingSource source) {
  if (source.is_relation) find_relation(source);
  return source;
}

/// All that a call may read, so that it waits for nobody between its look at a source and the
/// moment at which that is read.
void lock_what_is_read(const Model& model) {
  std::vector<Oid> tables = {model.factor_tables.users.named, model.factor_tables.items.named};
  for (const Side side : {Side::kUsers, Side::kItems}) {
    const Oid weights = model.feature_weights[side];
    if (server([&] { return is_features_of(model.table, weights, side); }))
      tables.push_back(weights);
  }
  for (const RatingSource* source :
       {&model.source, &model.seen, &model.features.users, &model.features.items})
    tables.push_back(as_it_is_now(*source).table);
  server([&] {
    for (Oid table : tables)
      if (OidIsValid(table)) LockRelationOid(table, AccessShareLock);
  });
}

/// Whether it is what a role has named that the caller trusts.
bool is_named_by_trusted(const Model& model, const RatingSource& source) {
  return (source.is_gone() || source.is_as_named()) &&
         server([&] { return caller_trusts(model.owner); });
}

/// Whether a role may read some of a relation. What a caller trains a model on goes into its
/// tables, which are the owner's.
bool may_select(Oid relation, Oid role) {
  return pg_class_aclcheck(relation, role, ACL_SELECT) == ACLCHECK_OK ||
         pg_attribute_aclcheck_all(relation, role, ACL_SELECT, ACLMASK_ANY) == ACLCHECK_OK;
}

/// As distrust_of_source(), of something that no role has named that the caller trusts.
std::string distrust_of(const Model& model, const RatingSource& source) {
  lock_what_is_read(model);
  const char* reason = server([&]() -> const char* {
    if (OidIsValid(source.table)) return distrust_of_table(source);
    return source.is_relation || source.is_none() ? nullptr : "It is a query.";
  });
  return reason == nullptr ? "" : reason;
}

[[noreturn]] void throw_changed(const Model& model, const char* which, int sqlstate,
                                const std::string& what) {
  throw UserError(sqlstate, format("%s of model %s %s", which, model.name.c_str(), what.c_str()),
                  "It has changed since the training: train the model again.");
}

/// Statements that name the columns would fail less clearly.
void check_columns(const Model& model, const RatingSource& source, const char* which) {
  for (Side side : {Side::kUsers, Side::kItems}) {
    const std::string& column = source.id_col(side);
    const Oid type =
        server([&] { return get_atttype(source.table, get_attnum(source.table, column.c_str())); });
    if (!OidIsValid(type))
      throw_changed(model, which, ERRCODE_UNDEFINED_COLUMN,
                    format("has no column \"%s\"", column.c_str()));
    const Oid of_model = model.factor_tables[side].id_type;
    if (type == of_model) continue;
    const char* name = server([&]() -> const char* {
      Oid function;
      const CoercionPathType path =
          find_coercion_pathway(getBaseType(of_model), type, COERCION_ASSIGNMENT, &function);
      return path == COERCION_PATH_FUNC || path == COERCION_PATH_RELABELTYPE
                 ? nullptr
                 : psprintf("has %s ids of type %s, the model of type %s", side_name(side),
                            format_type_be(type), format_type_be(of_model));
    });
    if (name != nullptr) throw_changed(model, which, ERRCODE_DATATYPE_MISMATCH, name);
  }
  for (const auto& column : {source.rating_col, source.time_col, source.weight_col}) {
    if (column &&
        server([&] { return get_attnum(source.table, column->c_str()); }) == InvalidAttrNumber)
      throw_changed(model, which, ERRCODE_UNDEFINED_COLUMN,
                    format("has no column \"%s\"", column->c_str()));
  }
}

enum class Columns { kAreChecked, kAreNot };

RatingSource trusted(const Model& model, const RatingSource& named, const char* which,
                     Columns columns = Columns::kAreChecked) {
  RatingSource source = as_it_is_now(named);
  const bool is_named = is_named_by_trusted(model, source);
  if (columns == Columns::kAreNot && !is_named && OidIsValid(source.table) &&
      !server([&] { return may_select(source.table, model.owner); })) {
    const char* owner = server([&] { return role_name(model.owner); });
    throw UserError(ERRCODE_INSUFFICIENT_PRIVILEGE,
                    format("the owner of model %s may not read %s", model.name.c_str(), which),
                    format("GRANT SELECT ON %s TO %s.", relation_name(source.table).c_str(), owner),
                    "What it is trained on is kept in tables of its owner's.");
  }
  std::string reason = is_named ? "" : distrust_of(model, source);
  if (reason.empty()) {
    source.is_guarded = !is_named;
    if (columns == Columns::kAreChecked && OidIsValid(source.table) && !source.user_col.empty())
      check_columns(model, source, which);
    return source;
  }
  if (server([&] { return caller_trusts(model.owner); }))
    throw UserError(
        ERRCODE_INSUFFICIENT_PRIVILEGE,
        format("%s of model %s has been made again, and may run code of a role that you do not "
               "trust",
               which, model.name.c_str()),
        "Look at it, and train the model again if it is the right one.", std::move(reason));
  const char* owner = server([&] { return role_name(model.owner); });
  throw UserError(
      ERRCODE_INSUFFICIENT_PRIVILEGE,
      format("%s of model %s may run code of a role that you do not trust", which,
             model.name.c_str()),
      format("Call it after SET ROLE %s, or as a member of that role%s", owner,
             named.user_col.empty()
                 ? "."  // features, which nothing works without that reads them
                 : "; als.recommend also works with exclude_seen => false, and the items seen as "
                   "exclude."),
      std::move(reason));
}

}  // namespace

RatingSource source_now(const Model& model) { return as_it_is_now(model.source); }

std::vector<RelationLock> relations_recorded(Oid model, const std::vector<std::string>& sources) {
  std::vector<std::string> names;
  for (const std::string& source : sources)
    for (const char* what : {"", "_table", "_path"}) names.push_back(source + what);
  std::vector<NamedColumn> columns;
  for (const std::string& name : names) columns.push_back({name.c_str(), TEXTOID});
  ShortLivedResources short_lived;
  SnapshotScope snapshot;
  const auto row = copy_newest_row(model, columns);
  snapshot.pop();
  short_lived.release();
  if (!row) return {};
  const auto text = [&](std::size_t column) {
    return row->nulls[column] ? "" : text_value(row->values[column]);
  };
  const bool is_trusted = server([&] { return caller_trusts(owner_of(model)); });
  std::vector<RatingSource> parsed;
  for (std::size_t column = 0; column < columns.size(); column += 3) {
    RatingSource source;
    source.text = text(column);
    source.is_relation = !row->nulls[column + 1];
    source.identity = text(column + 1);
    source.path = text(column + 2);
    if (source.is_relation) find_relation(source);
    // A view is one that its owner makes as large as they like, of tables that they need not own.
    const bool may_be_parsed = server([&] {
      if (!source.is_relation) return is_trusted;
      return get_rel_relkind(source.table) != RELKIND_VIEW || caller_trusts(owner_of(source.table));
    });
    if (may_be_parsed) parsed.push_back(std::move(source));
  }
  return relations_read(parsed);
}

RatingSource seen_now(const Model& model) { return as_it_is_now(model.seen); }

std::string distrust_of_source(const Model& model) {
  const RatingSource source = source_now(model);
  return is_named_by_trusted(model, source) ? "" : distrust_of(model, source);
}

RatingSource trusted_source(const Model& model) {
  return trusted(model, model.source, "the source");
}

RatingSource trusted_source_to_train(const Model& model) {
  return trusted(model, model.source, "the source", Columns::kAreNot);
}

RatingSource trusted_seen_to_train(const Model& model) {
  return trusted(model, model.seen, "\"seen\"", Columns::kAreNot);
}

RatingSource trusted_features(const Model& model, Side side) {
  return trusted(model, model.features[side],
                 side == Side::kUsers ? "\"user_features\"" : "\"item_features\"");
}

RatingSource trusted_seen(const Model& model) { return trusted(model, model.seen, "\"seen\""); }

}  // namespace als::pg
