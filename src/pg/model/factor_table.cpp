// Ids and vectors of a factor table, checked against the model.
#include "pg/model/factor_table.h"

#include "core/base/limits.h"
#include "pg/model/ownership.h"
#include "pg/server/trust.h"

namespace als::pg {

std::vector<LaterColumn> later_columns(Side side) {
  if (side == Side::kUsers) return {kChecksum};
  return {kChecksum, kPopularity};
}

AttrNumber number_of(const LaterColumn& column, Oid table) {
  const AttrNumber number = get_attnum(table, column.name);
  return get_atttype(table, number) == column.type ? number : AttrNumber{InvalidAttrNumber};
}

std::string shared_columns(Side side, Oid a, Oid b) {
  std::string columns = std::string(id_column(side)) + ", factors, bias, n_ratings";
  for (const LaterColumn& column : later_columns(side)) {
    const bool is_shared = server([&] { return number_of(column, a) && number_of(column, b); });
    if (is_shared) columns += std::string(", ") + column.name;
  }
  return columns;
}

std::string ids_of_source(const Model& model, Side side, const IdType& source) {
  const CollatedType there = model.factor_tables[side].ids();
  if (there == source.collated()) return id_column(side);
  return server([&]() -> const char* {
    if (!is_widened(there, source.collated())) return "";
    return psprintf("%s::%s", id_column(side), column_type(source));
  });
}

namespace {

/// What of a factor table is no number to score with. `what`: its column, `limit`: see
/// core/base/limits.h.
[[noreturn]] void throw_out_of_range(const char* what, float value, float limit, const Model& model,
                                     Side side) {
  const std::string table = relation_name(model.factor_tables[side].named);
  throw UserError(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
                  format("model %s has a%s with the %s %g", model.name.c_str(),
                         side == Side::kUsers ? " user" : "n item", what, value),
                  format("It must be between %g and %g: correct the row in %s, or train the model "
                         "again.",
                         -limit, limit, table.c_str()));
}

/// Names are entered where oids differ from node to node: they do not follow a table.
[[noreturn]] void throw_gone(const Model& model, Side side) {
  const bool is_by_name =
      server([&] { return cluster_table(model.table).spread != TableSpread::kNone; });
  throw UserError(
      ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
      format("the %s factors of model %s are gone", side_name(side), model.name.c_str()),
      is_by_name
          ? format(
                "If their table was renamed, enter its name: UPDATE %s SET %s_table = '...'. Else "
                "remove the rest with als.drop_model and train the model again.",
                model.name.c_str(), side_name(side))
          : "Remove the rest with als.drop_model and train the model again.");
}

[[noreturn]] void throw_lacks(Oid table, const char* column, const std::string& model) {
  throw UserError(ERRCODE_UNDEFINED_COLUMN,
                  format("table %s of model %s has no column \"%s\"", relation_name(table).c_str(),
                         model.c_str(), column),
                  "Give the column its name back, with ALTER TABLE ... RENAME COLUMN.");
}

/// Values are cast as they are read, and as they are put in. A server call.
void check_columns_are_trusted(Oid table) {
  constexpr std::pair<const char*, Oid> kReadAs[] = {
      {"factors", FLOAT4ARRAYOID}, {"bias", FLOAT4OID}, {"n_ratings", INT4OID}};
  constexpr const char* kHint =
      "Factors are real[], biases real, and n_ratings are int; see ALTER TABLE ... ALTER COLUMN "
      "... TYPE.";
  for (const auto& [name, type] : kReadAs) {
    const Oid stored = get_atttype(table, get_attnum(table, name));
    if (!OidIsValid(stored)) continue;
    check_reading_is_trusted(stored, type, kHint);
    check_reading_is_trusted(type, stored, kHint);
  }
}

/// Looks up what is read of the table, or throws.
void look_up_factors(Model& model, Side side) {
  FactorTable& factors = model.factor_tables[side];
  const char* missing = nullptr;
  bool is_named = false;
  const bool exists = server([&] {
    const ClusterTable cluster = cluster_table(factors.named);
    factors.spread = cluster.spread;
    factors.table = cluster.here;
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(factors.table));
    if (!HeapTupleIsValid(tuple)) return false;
    auto* form = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
    factors.storage = form->relfilenode;
    // Who names a model names its factors, but not what else its row may point to.
    is_named = (form->relowner == model.owner && form->relkind == RELKIND_RELATION) ||
               caller_trusts(form->relowner);
    ReleaseSysCache(tuple);
    missing = missing_column(factors.table, side);
    if (missing != nullptr) return true;
    const CollatedType ids = column_type_of(factors.table, id_column(side));
    factors.id_type = ids.type;
    factors.id_collation = ids.collation;
    check_columns_are_trusted(factors.table);
    factors.columns = {get_attnum(factors.table, "factors"), get_attnum(factors.table, "bias"),
                       get_attnum(factors.table, "n_ratings"),
                       number_of(kPopularity, factors.table)};
    return true;
  });
  // A table that lacks a column may have gone meanwhile.
  if (!exists || (missing != nullptr && relation_name(factors.named).empty()))
    throw_gone(model, side);
  if (missing != nullptr) throw_lacks(factors.named, missing, model.name);
  if (!is_named)
    throw UserError(
        ERRCODE_INSUFFICIENT_PRIVILEGE,
        format("the %s factors of model %s may run code of a role that you do not trust",
               side_name(side), model.name.c_str()),
        "Factors are in tables that belong to the owner of the model; see ALTER TABLE ... OWNER "
        "TO.",
        format("The model's row names %s.", relation_name(factors.named).c_str()));
}

}  // namespace

void check_factor_columns(Oid table, Side side, const std::string& model) {
  const char* missing = server([&] { return missing_column(table, side); });
  if (missing != nullptr) throw_lacks(table, missing, model);
  server([&] { check_columns_are_trusted(table); });
}

void lock_factor_table(const FactorTable& factors) {
  LockRelationOid(factors.named, AccessShareLock);
  if (factors.table != factors.named) LockRelationOid(factors.table, AccessShareLock);
}

void describe_factor_table(Model& model, Side side) {
  look_up_factors(model, side);  // a row may name any table, for which nobody is to wait
  server([&] { lock_factor_table(model.factor_tables[side]); });
  look_up_factors(model, side);
}

IdType* factor_id_type(const Model& model, Side side, MemoryContext context) {
  const FactorTable& factors = model.factor_tables[side];
  MemoryContext old = MemoryContextSwitchTo(context);
  IdType* result = describe_id_type(factors.id_type, factors.id_collation, "factor ids");
  MemoryContextSwitchTo(old);
  return result;
}

VectorView model_vector(Datum factors, const Model& model, Side side) {
  VectorView view = view_vector(DatumGetArrayTypeP(factors),
                                side == Side::kUsers ? "a user vector" : "an item vector");
  if (view.size != model.factors)
    throw UserError(
        ERRCODE_ARRAY_SUBSCRIPT_ERROR,
        format("model %s has a%s vector of %d factors instead of %d", model.name.c_str(),
               side == Side::kUsers ? " user" : "n item", view.size, model.factors),
        "Vectors of a model all have the length in its newest row; train it again.");
  if (all_within(view.values, static_cast<std::size_t>(view.size), kMaxFactor)) return view;
  const float* wrong = std::find_if(view.values, view.values + view.size, [](const float& value) {
    return !all_within(&value, 1, kMaxFactor);
  });
  throw_out_of_range("factor", *wrong, kMaxFactor, model, side);
}

float model_bias(Datum bias, bool is_null, const Model& model, Side side) {
  if (is_null) return 0;
  const float value = DatumGetFloat4(bias);
  if (!all_within(&value, 1, kMaxBias)) throw_out_of_range("bias", value, kMaxBias, model, side);
  return value;
}

}  // namespace als::pg
