#include "pg/model.h"

namespace als::pg {

namespace {

/// Reads columns of the current row of a slot.
class RowView {
 public:
  explicit RowView(TupleTableSlot* slot) : slot_(slot) {}
  bool is_null(int column) const { return slot_->tts_isnull[column]; }
  Datum datum(int column) const {
    if (is_null(column))
      throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                      format("the newest row of the model has a null \"%s\"",
                             NameStr(TupleDescAttr(slot_->tts_tupleDescriptor, column)->attname)),
                      "Rows of model tables are written by als.train; train the model again.");
    return slot_->tts_values[column];
  }
  std::string text(int column) const {
    struct varlena* value = PG_DETOAST_DATUM_PACKED(datum(column));
    return std::string(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
  }
  std::string name(int column) const { return NameStr(*DatumGetName(datum(column))); }

 private:
  TupleTableSlot* slot_;
};

enum Column {
  kVersion,
  kFeedback,
  kFactors,
  kBiases,
  kMean,
  kUsers,
  kUserFactors,
  kItemFactors,
  kSource,
  kSourceTable,
  kUserCol,
  kItemCol,
  kRatingCol
};

constexpr std::initializer_list<Oid> kColumnTypes = {
    UUIDOID,     TEXTOID, INT4OID,     BOOLOID, FLOAT8OID, INT8OID, REGCLASSOID,
    REGCLASSOID, TEXTOID, REGCLASSOID, NAMEOID, NAMEOID,   NAMEOID};

constexpr const char* kColumns =
    "version, feedback, factors, biases, mean, n_users, user_factors, item_factors, source, "
    "source_table, user_col, item_col, rating_col";

void describe_factor_table(Model& model, Side side) {
  FactorTable& factors = side == Side::kUsers ? model.user_factors : model.item_factors;
  bool exists = server([&] {
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(factors.table));
    if (!HeapTupleIsValid(tuple)) return false;
    factors.storage = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->relfilenode;
    ReleaseSysCache(tuple);
    AttrNumber column = get_attnum(factors.table, id_column(side));
    if (column == InvalidAttrNumber) return false;
    int32 modifier;
    get_atttypetypmodcoll(factors.table, column, &factors.id_type, &modifier,
                          &factors.id_collation);
    factors.columns = {get_attnum(factors.table, "factors"), get_attnum(factors.table, "bias"),
                       get_attnum(factors.table, "n_ratings")};
    return true;
  });
  if (!exists)
    throw UserError(
        ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format("the %s factors of model %s are gone", side_name(side), model.name.c_str()),
        "Remove the rest with als.drop_model and train the model again.");
}

}  // namespace

void check_is_model(Oid table) {
  server([&] {
    HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(table));
    if (!HeapTupleIsValid(tuple))
      ereport(ERROR, (errcode(ERRCODE_UNDEFINED_TABLE),
                      errmsg("model with OID %u does not exist", table)));
    auto* form = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
    Oid row_type = form->reloftype;
    ReleaseSysCache(tuple);
    Oid schema = get_namespace_oid("als", true);
    Oid model_type = GetSysCacheOid2(TYPENAMENSP, Anum_pg_type_oid, CStringGetDatum("model"),
                                     ObjectIdGetDatum(schema));
    if (!OidIsValid(row_type) || row_type != model_type)
      ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                      errmsg("\"%s\" is not an als model", get_rel_name(table)),
                      errhint("A model is a table made by als.train; als.models lists them.")));
  });
}

Model read_model(Oid table) {
  check_is_model(table);
  Model model;
  model.table = table;
  model.name = relation_name(table);
  bool found = false;
  SPIPlanPtr plan = saved_plan(
      std::string("select ") + kColumns + " from " + model.name + " order by run desc limit 1", {});
  for_each_row(plan, {}, kColumnTypes, [&](TupleTableSlot* slot) {
    RowView row(slot);
    found = true;
    std::memcpy(model.version.data(), DatumGetUUIDP(row.datum(kVersion))->data, UUID_LEN);
    model.feedback = row.text(kFeedback) == "implicit" ? Feedback::kImplicit : Feedback::kExplicit;
    model.factors = DatumGetInt32(row.datum(kFactors));
    model.biases = DatumGetBool(row.datum(kBiases));
    model.mean = DatumGetFloat8(row.datum(kMean));
    model.n_users = DatumGetInt64(row.datum(kUsers));
    model.user_factors.table = DatumGetObjectId(row.datum(kUserFactors));
    model.item_factors.table = DatumGetObjectId(row.datum(kItemFactors));
    model.source.text = row.text(kSource);
    if (!row.is_null(kSourceTable)) model.source.table = DatumGetObjectId(row.datum(kSourceTable));
    model.source.user_col = row.name(kUserCol);
    model.source.item_col = row.name(kItemCol);
    if (!row.is_null(kRatingCol)) model.source.rating_col = row.name(kRatingCol);
  });
  if (!found)
    throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format("model %s holds no training run that you can see", model.name.c_str()),
                    "Train it with als.train(..., replace => true).");
  if (model.factors < 1 || model.factors > kMaxFactors)
    throw UserError(
        ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format("the newest row of model %s says %d factors", model.name.c_str(), model.factors),
        "Rows of model tables are written by als.train; train the model again.");
  describe_factor_table(model, Side::kUsers);
  describe_factor_table(model, Side::kItems);
  return model;
}

}  // namespace als::pg
