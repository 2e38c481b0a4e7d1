// From a factor table to a segment of it.
#include "pg/cache/factor_loader.h"

#include "pg/cache/loaded_factors.h"

namespace als::pg {

FactorLoader::FactorLoader(const Model& model, Side side)
    : context_("als factor ids"),
      type_(server([&] { return factor_id_type(model, side, context_.get()); })),
      ids_(type_),
      matrix_(0, static_cast<std::size_t>(model.factors)) {
  std::string id = id_column(side);
  const bool has_popularity = model.factor_tables[side].columns[3] != InvalidAttrNumber;
  SPIPlanPtr plan =
      prepare("select " + id + ", " + kFactorColumns +
              (has_popularity ? ", popularity" : ", null::pg_catalog.float4") + " from only " +
              locked_name(model.factor_table(side)) + " order by " + id);
  for_each_row(plan, {}, {type_->oid, FLOAT4ARRAYOID, FLOAT4OID, INT4OID, FLOAT4OID},
               [&](TupleTableSlot* slot) {
                 if (slot->tts_isnull[0] || slot->tts_isnull[1]) return;
                 VectorView vector = model_vector(slot->tts_values[1], model, side);
                 // Possible where the user has dropped the primary key, or lets another table
                 // inherit.
                 if (ids_.find_or_add(slot->tts_values[0]) != matrix_.rows())
                   throw UserError(
                       ERRCODE_UNIQUE_VIOLATION,
                       format("%s %s appears twice in the factors of model %s", side_name(side),
                              id_text(*type_, slot->tts_values[0]), model.name.c_str()),
                       "Remove one of the rows, or train the model again.");
                 matrix_.append_row(vector.values);
                 bias_.push_back(model_bias(slot->tts_values[2], slot->tts_isnull[2], model, side));
                 n_ratings_.push_back(slot->tts_isnull[3] ? 0 : DatumGetInt32(slot->tts_values[3]));
                 popularity_.push_back(slot->tts_isnull[4] ? static_cast<float>(n_ratings_.back())
                                                           : DatumGetFloat4(slot->tts_values[4]));
               });
}

std::size_t FactorLoader::bytes() const {
  return LoadedFactors::layout(ids_.size(), matrix_.cols(), IdIndex::bytes(ids_)).end;
}

void FactorLoader::write(char* segment) const {
  const LoadedFactors::Header header =
      LoadedFactors::layout(ids_.size(), matrix_.cols(), IdIndex::bytes(ids_));
  std::memcpy(segment, &header, sizeof(header));
  std::copy_n(matrix_.row(0), matrix_.rows() * matrix_.stride(),
              reinterpret_cast<float*>(segment + header.rows));
  std::copy(bias_.begin(), bias_.end(), reinterpret_cast<float*>(segment + header.bias));
  std::copy(n_ratings_.begin(), n_ratings_.end(),
            reinterpret_cast<std::int32_t*>(segment + header.n_ratings));
  std::copy(popularity_.begin(), popularity_.end(),
            reinterpret_cast<float*>(segment + header.popularity));
  IdIndex::write(ids_, segment + header.ids);
}

}  // namespace als::pg
