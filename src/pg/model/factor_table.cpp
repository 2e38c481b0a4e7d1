// Ids and vectors of a factor table, checked against the model.
#include "pg/model/factor_table.h"

namespace als::pg {

bool keeps_checksums(Oid table) {
  const AttrNumber column = get_attnum(table, "checksum");
  return column != InvalidAttrNumber && get_atttype(table, column) == INT8OID;
}

bool keeps_popularity(Oid table) {
  const AttrNumber column = get_attnum(table, "popularity");
  return column != InvalidAttrNumber && get_atttype(table, column) == FLOAT4OID;
}

std::string shared_columns(Side side, Oid a, Oid b) {
  const bool checksums = server([&] { return keeps_checksums(a) && keeps_checksums(b); });
  const bool popularity = server([&] { return keeps_popularity(a) && keeps_popularity(b); });
  return std::string(id_column(side)) + ", factors, bias, n_ratings" +
         (checksums ? ", checksum" : "") + (popularity ? ", popularity" : "");
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
  return view;
}

}  // namespace als::pg
