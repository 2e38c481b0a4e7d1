// Ids and vectors of a factor table, checked against the model.
#include "pg/model/factor_table.h"

#include "core/base/limits.h"

namespace als::pg {

std::vector<LaterColumn> later_columns(Side side) {
  if (side == Side::kUsers) return {kChecksum};
  return {kChecksum, kPopularity};
}

AttrNumber number_of(const LaterColumn& column, Oid table) {
  const AttrNumber number = get_attnum(table, column.name);
  const bool is_it = number != InvalidAttrNumber && get_atttype(table, number) == column.type;
  return is_it ? number : AttrNumber{InvalidAttrNumber};
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

}  // namespace

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
