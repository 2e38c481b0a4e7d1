// Puts a model's factors where a training begins.
#include "pg/train/warm_start.h"

#include "pg/model/factor_table.h"

namespace als::pg {

void check_warm_start(const Model& model, const TrainOptions& options) {
  const char* hint = "Train with the model's own options, or leave warm_start out.";
  if (model.factors != options.factors)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    format("warm_start needs factors => %d, which model %s has, not %d",
                           model.factors, model.name.c_str(), options.factors),
                    hint);
  if (model.feedback != options.feedback)
    throw UserError(
        ERRCODE_INVALID_PARAMETER_VALUE,
        format("warm_start needs the kind of feedback that model %s has", model.name.c_str()),
        hint);
  if (model.biases != options.biases)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    format("warm_start needs biases => %s, as model %s has it",
                           model.biases ? "true" : "false", model.name.c_str()),
                    hint);
}

void warm_start(const Model& model, Side side, const IdDictionary& ids,
                const std::vector<std::uint32_t>& rank, const TrainOptions& options,
                Factors& factors) {
  const std::string id = ids_of_source(model, side, ids.type());
  if (id.empty()) return;
  SPIPlanPtr plan = prepare("select " + id + ", " + kFactorColumns + " from only " +
                            locked_name(model.factor_table(side)));
  for_each_row(plan, {}, {ids.type().oid, FLOAT4ARRAYOID, FLOAT4OID, INT4OID},
               [&](TupleTableSlot* slot) {
                 if (slot->tts_isnull[0] || slot->tts_isnull[1]) return;
                 std::uint32_t index = ids.find(slot->tts_values[0]);
                 if (index == IdDictionary::kMissing) return;
                 VectorView vector = model_vector(slot->tts_values[1], model, side);
                 float* row = factors.matrix.row(rank[index]);
                 for (int k = 0; k < vector.size; ++k) {
                   const float value = vector.values[k];
                   row[k] = options.nonnegative ? std::max(value, 0.0F) : value;
                 }
                 if (!factors.bias.empty() && !slot->tts_isnull[2])
                   factors.bias[rank[index]] = model_bias(slot->tts_values[2], false, model, side);
               });
}

void tell_of_cold_start(const ModelWriter& model) {
  server([&] {
    ereport(NOTICE, (errmsg("model %s does not exist yet: it starts from random factors",
                            model.target_table().relation().c_str())));
  });
}

}  // namespace als::pg
