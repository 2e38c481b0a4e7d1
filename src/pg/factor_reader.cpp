#include "pg/factor_reader.h"

#include "pg/factor_side.h"

namespace als::pg {

IdType* factor_id_type(const Model& model, Side side, MemoryContext context) {
  const FactorTable& factors = model.factors_of(side);
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

FactorReader::FactorReader(const Model& model, Side side)
    : context_("als factor ids"),
      type_(server([&] { return factor_id_type(model, side, context_.get()); })),
      ids_(type_),
      matrix_(0, static_cast<std::size_t>(model.factors)) {
  std::string id = id_column(side);
  SPIPlanPtr plan = prepare("select " + id + ", " + kFactorColumns + " from only " +
                            relation_name(model.factor_table(side)) + " order by " + id);
  for_each_row(
      plan, {}, {type_->oid, FLOAT4ARRAYOID, FLOAT4OID, INT4OID}, [&](TupleTableSlot* slot) {
        if (slot->tts_isnull[0] || slot->tts_isnull[1]) return;
        VectorView vector = model_vector(slot->tts_values[1], model, side);
        // Possible where the user has dropped the primary key, or lets another table inherit.
        if (ids_.find_or_add(slot->tts_values[0]) != matrix_.rows())
          throw UserError(ERRCODE_UNIQUE_VIOLATION,
                          format("%s %s stands twice in the factors of model %s", side_name(side),
                                 id_text(*type_, slot->tts_values[0]), model.name.c_str()),
                          "Remove one of the rows, or train the model again.");
        matrix_.append_row(vector.values);
        bias_.push_back(slot->tts_isnull[2] ? 0.0F : DatumGetFloat4(slot->tts_values[2]));
        n_ratings_.push_back(slot->tts_isnull[3] ? 0 : DatumGetInt32(slot->tts_values[3]));
      });
}

std::size_t FactorReader::bytes() const {
  return FactorSide::layout(ids_.size(), matrix_.cols(), FlatIds::bytes(ids_)).end;
}

void FactorReader::write(char* image) const {
  const FactorSide::Header header =
      FactorSide::layout(ids_.size(), matrix_.cols(), FlatIds::bytes(ids_));
  std::memcpy(image, &header, sizeof(header));
  std::copy_n(matrix_.row(0), matrix_.rows() * matrix_.stride(),
              reinterpret_cast<float*>(image + header.rows));
  std::copy(bias_.begin(), bias_.end(), reinterpret_cast<float*>(image + header.bias));
  std::copy(n_ratings_.begin(), n_ratings_.end(),
            reinterpret_cast<std::int32_t*>(image + header.n_ratings));
  FlatIds::write(ids_, image + header.ids);
}

}  // namespace als::pg
