// Reads what a run was asked for from its row.
#include "pg/model/recorded_run.h"

#include "pg/server/memory_context.h"

namespace als::pg {

namespace {

enum RunColumn {
  kRunSource,
  kRunUserCol,
  kRunItemCol,
  kRunRatingCol,
  kRunWeightCol,
  kRunSeen,
  kRunDistributed,
  kRunParts,
  kRunUserFeatures,
  kRunItemFeatures,
  kRunOptions,
  kRunFirstOption
};

std::string option_columns() {
  std::string columns;
  for (const Option& option : kOptionTable) columns += std::string(", ") + option.name;
  return columns;
}

/// What the row holds, in memory that stays.
using Values = std::vector<NullableDatum>;

Values copy_values(TupleTableSlot* slot, MemoryContext context) {
  Values values(slot->tts_tupleDescriptor->natts);
  server([&] {
    MemoryContext old = MemoryContextSwitchTo(context);
    for (int i = 0; i < slot->tts_tupleDescriptor->natts; ++i) {
      Form_pg_attribute column = TupleDescAttr(slot->tts_tupleDescriptor, i);
      values[i].isnull = slot->tts_isnull[i];
      if (!values[i].isnull)
        values[i].value = datumCopy(slot->tts_values[i], column->attbyval, column->attlen);
    }
    MemoryContextSwitchTo(old);
  });
  return values;
}

OptionChoices options_of_old_run(const Values& values) {
  OptionChoices choices;
  int column = kRunFirstOption;
  for (const Option& option : kOptionTable) {
    const NullableDatum& value = values[column++];
    if (!value.isnull && id_of(option) != OptionId::kSolver)
      choices.set(id_of(option), option.from_datum(value.value));
  }
  return choices;
}

OptionChoices options_of(const Values& values, Oid model) {
  try {
    return values[kRunOptions].isnull
               ? options_of_old_run(values)
               : choices_from_json(json_object(values[kRunOptions].value, "options"));
  } catch (const UserError& error) {
    throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format("the newest row of model %s says: %s", relation_name(model).c_str(),
                           error.message.c_str()),
                    "Rows of model tables are written by als.train; train the model again.");
  }
}

std::optional<std::string> name_in(const NullableDatum& value) {
  if (value.isnull) return std::nullopt;
  return NameStr(*DatumGetName(value.value));
}

}  // namespace

std::optional<RecordedRun> recorded_run(Oid model) {
  OwnedMemoryContext context("als run of a model");
  SPIPlanPtr plan = prepare(
      "select source, user_col, item_col, rating_col, weight_col, seen, distributed, parts, "
      "user_features, item_features, options" +
      option_columns() + " from " + locked_name(model) + " order by run desc limit 1");
  std::vector<Oid> types{TEXTOID, NAMEOID, NAMEOID, NAMEOID, NAMEOID, TEXTOID,
                         BOOLOID, INT4OID, TEXTOID, TEXTOID, JSONBOID};
  for (const Option& option : kOptionTable) types.push_back(option.sql_type());
  Values values;
  for_each_row(plan, {}, types,
               [&](TupleTableSlot* slot) { values = copy_values(slot, context.get()); });
  if (values.empty()) return std::nullopt;
  RecordedRun run;
  run.has_source = !values[kRunSource].isnull;
  run.user_col = name_in(values[kRunUserCol]).value_or("");
  run.item_col = name_in(values[kRunItemCol]).value_or("");
  run.rating_col = name_in(values[kRunRatingCol]);
  run.weight_col = name_in(values[kRunWeightCol]);
  if (!values[kRunSeen].isnull) run.seen = text_value(values[kRunSeen].value);
  for (const Side side : {Side::kUsers, Side::kItems}) {
    const NullableDatum& named = values[side == Side::kUsers ? kRunUserFeatures : kRunItemFeatures];
    if (!named.isnull) run.features[side] = text_value(named.value);
  }
  run.distributed = !values[kRunDistributed].isnull && DatumGetBool(values[kRunDistributed].value);
  if (!values[kRunParts].isnull) run.parts = DatumGetInt32(values[kRunParts].value);
  run.options = options_of(values, model);
  return run;
}

}  // namespace als::pg
