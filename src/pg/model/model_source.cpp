// Whether reading a model's source would run anything of a role that the caller does not trust.
#include "pg/model/model_source.h"

#include "pg/server/trust.h"

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

bool trusts_index(Oid index) {
  LockRelationOid(index, AccessShareLock);
  HeapTuple tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(index));
  if (!HeapTupleIsValid(tuple)) return true;
  const bool trusts = trusts_stored_expression(INDEXRELID, tuple, Anum_pg_index_indexprs) &&
                      trusts_stored_expression(INDEXRELID, tuple, Anum_pg_index_indpred);
  ReleaseSysCache(tuple);
  return trusts;
}

bool trusts_indexes(Relation table) {
  ListCell* index;
  foreach (index, RelationGetIndexList(table))
    if (!trusts_index(lfirst_oid(index))) return false;
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

bool trusts_statistics([[maybe_unused]] Relation table) {
#if PG_VERSION_NUM >= 140000
  ListCell* statistics;
  foreach (statistics, RelationGetStatExtList(table)) {
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
/// like.
const char* code_in(Oid oid) {
  Relation table = try_relation_open(oid, NoLock);
  if (table == nullptr) return nullptr;
  const Oid owner = table->rd_rel->relowner;
  const char* what = nullptr;
  if (!caller_trusts(owner)) {
    switch (table->rd_rel->relkind) {
      case RELKIND_RELATION:
      case RELKIND_PARTITIONED_TABLE:
      case RELKIND_MATVIEW:
        if (!(trusts_indexes(table) && trusts_checks(table) && trusts_statistics(table) &&
              trusts_partition_key(oid)))
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
  const AttrNumber number = get_attnum(table, column);
  if (number != InvalidAttrNumber && caller_trusts_type(getBaseType(get_atttype(table, number))) &&
      caller_trusts_type(get_atttype(table, number)))
    return nullptr;
  return psprintf(
      "Column \"%s\" of table %s is missing or of a type that does not belong to a role "
      "you trust.",
      column, get_rel_name(table));
}

const char* distrust_of_table(const RatingSource& source) {
  const Oid table = source.table;
  Relation relation = try_relation_open(table, AccessShareLock);
  if (relation == nullptr) return nullptr;  // gone, as whoever reads it will say
  const Oid owner = relation->rd_rel->relowner;
  const bool has_parts = relation->rd_rel->relhassubclass;
  relation_close(relation, NoLock);
  if (!caller_trusts(owner)) {
    if (check_enable_rls(table, InvalidOid, true) == RLS_ENABLED)
      return psprintf("Table %s has row-level security by role %s.", get_rel_name(table),
                      role_name(owner));
    for (const char* column :
         {source.user_col.c_str(), source.item_col.c_str(),
          source.rating_col ? source.rating_col->c_str() : source.item_col.c_str()})
      if (const char* what = distrusted_column(table, column)) return what;
  }
  if (!has_parts) return code_in(table);
  ListCell* part;
  foreach (part, find_all_inheritors(table, AccessShareLock, nullptr))
    if (const char* what = code_in(lfirst_oid(part))) return what;
  return nullptr;
}

/// As distrust_of_source(), of something that the model's row names.
std::string distrust(const Model& model, const RatingSource& named) {
  const char* reason = server([&]() -> const char* {
    if (caller_trusts(model.owner)) return nullptr;
    if (OidIsValid(named.table)) return distrust_of_table(named);
    return named.is_none() ? nullptr : "It is a query.";
  });
  return reason == nullptr ? "" : reason;
}

const RatingSource& trusted(const Model& model, const RatingSource& named, const char* what) {
  std::string reason = distrust(model, named);
  if (reason.empty()) return named;
  const char* owner = server([&] { return role_name(model.owner); });
  throw UserError(
      ERRCODE_INSUFFICIENT_PRIVILEGE,
      format("%s of model %s may run code of a role that you do not trust", what,
             model.name.c_str()),
      format(
          "Call it after SET ROLE %s, or as a member of that role; als.recommend also works with "
          "exclude_seen => false, and the items seen as exclude.",
          owner),
      std::move(reason));
}

}  // namespace

std::string distrust_of_source(const Model& model) { return distrust(model, model.source); }

const RatingSource& trusted_source(const Model& model) {
  return trusted(model, model.source, "the source");
}

const RatingSource& trusted_seen(const Model& model) {
  return trusted(model, model.seen, "\"seen\"");
}

}  // namespace als::pg
