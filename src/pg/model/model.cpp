// Reads what a model table says, checked.
#include "pg/model/model.h"

#include "core/base/limits.h"
#include "pg/model/factor_table.h"
#include "pg/model/newest_run.h"
#include "pg/model/ownership.h"
#include "pg/options/option_choices.h"
#include "pg/sql/installed_version.h"

namespace als::pg {

namespace {

/// Reads columns of a row: those of ModelColumns.
class RowView {
 public:
  RowView(const Datum* values, const bool* nulls) : values_(values), nulls_(nulls) {}
  bool is_null(int column) const { return nulls_[column]; }
  Datum datum(int column) const;
  std::string text(int column) const {
    struct varlena* value = PG_DETOAST_DATUM_PACKED(datum(column));
    return std::string(VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value));
  }
  Version version(int column) const {
    if (is_null(column))
      throw UserError(
          ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
          "the factor tables do not hold the factors of the newest row of the model",
          "Use als.rollback_model if this run was kept, else train the model again with "
          "als.train(..., replace => true).",
          "They have been replaced in a later run, whose row was deleted.");
    Version version;
    std::memcpy(version.data(), DatumGetUUIDP(datum(column))->data, UUID_LEN);
    return version;
  }
  /// What is recorded of a source: its text, which relation that was, or the path of a query.
  void read_named(int text_column, int table, int path, RatingSource& source) const {
    if (!is_null(text_column)) source.text = text(text_column);
    source.is_relation = !is_null(table);
    if (source.is_relation) source.identity = text(table);
    if (!is_null(path)) source.path = text(path);
  }
  std::string name(int column) const { return NameStr(*DatumGetName(datum(column))); }
  /// By its oid, or by its name.
  Oid factor_table(int oid_column, int name_column) const {
    if (is_null(name_column)) return DatumGetObjectId(datum(oid_column));
    return server([&] { return table_of_name(datum(name_column)); });
  }

 private:
  const Datum* values_;
  const bool* nulls_;
};

enum Column {
  kUserVersion,
  kItemVersion,
  kMean,
  kLowest,
  kHighest,
  kUsers,
  kItems,
  kDuplicates,
  kUserFactors,
  kItemFactors,
  kSource,
  kSourceTable,
  kUserCol,
  kItemCol,
  kRatingCol,
  kSeen,
  kSeenTable,
  kDamping,
  kSourcePath,
  kSeenPath,
  kTimeCol,
  kUserTable,
  kItemTable,
  kWeightCol,
  kRun,
  kItemFeatures,
  kItemFeaturesTable,
  kItemFeaturesPath,
  kItemFeatureWeights,
  kUserFeatures,
  kUserFeaturesTable,
  kUserFeaturesPath,
  kUserFeatureWeights,
  kFirstOption
};

constexpr NamedColumn kColumns[] = {{"user_version", UUIDOID},
                                    {"item_version", UUIDOID},
                                    {"mean", FLOAT8OID},
                                    {"lowest_rating", FLOAT4OID},
                                    {"highest_rating", FLOAT4OID},
                                    {"n_users", INT8OID},
                                    {"n_items", INT8OID},
                                    {"n_duplicates", INT8OID},
                                    {"user_factors", REGCLASSOID},
                                    {"item_factors", REGCLASSOID},
                                    {"source", TEXTOID},
                                    {"source_table", TEXTOID},
                                    {"user_col", NAMEOID},
                                    {"item_col", NAMEOID},
                                    {"rating_col", NAMEOID},
                                    {"seen", TEXTOID},
                                    {"seen_table", TEXTOID},
                                    {"damping", FLOAT8OID},
                                    {"source_path", TEXTOID},
                                    {"seen_path", TEXTOID},
                                    {"time_col", NAMEOID},
                                    {"user_table", TEXTOID},
                                    {"item_table", TEXTOID},
                                    {"weight_col", NAMEOID},
                                    {"run", INT8OID},
                                    {"item_features", TEXTOID},
                                    {"item_features_table", TEXTOID},
                                    {"item_features_path", TEXTOID},
                                    {"item_feature_weights", REGCLASSOID},
                                    {"user_features", TEXTOID},
                                    {"user_features_table", TEXTOID},
                                    {"user_features_path", TEXTOID},
                                    {"user_feature_weights", REGCLASSOID}};

/// What the model has to know of its options: those of one row's part of the objective.
constexpr OptionId kModelOptions[] = {OptionId::kFeedback,
                                      OptionId::kFactors,
                                      OptionId::kRegularization,
                                      OptionId::kBiasRegularization,
                                      OptionId::kRegExponent,
                                      OptionId::kAlpha,
                                      OptionId::kBiases,
                                      OptionId::kNonnegative,
                                      OptionId::kOnDuplicate,
                                      OptionId::kFeatureStrength,
                                      OptionId::kUserFeatureStrength};

/// The columns that are read of a model row, in the order of Column. Never destroyed: a backend
/// ends without running destructors.
struct ModelColumns {
  std::vector<NamedColumn> columns{std::begin(kColumns), std::end(kColumns)};
  std::string names;
  std::vector<Oid> types;

  ModelColumns() {
    for (OptionId id : kModelOptions) columns.push_back({option(id).name, option(id).sql_type()});
    for (const NamedColumn& column : columns) {
      names += (names.empty() ? "" : ", ") + std::string(column.name);
      types.push_back(column.type);
    }
  }

  static const ModelColumns& get() {
    static const auto* columns = new ModelColumns;
    return *columns;
  }
};

Datum RowView::datum(int column) const {
  if (is_null(column))
    throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format("the newest row of the model has a null \"%s\"",
                           ModelColumns::get().columns[column].name),
                    "Rows of model tables are written by als.train; train the model again.");
  return values_[column];
}

/// Options that may be null stay open where they are. Throws 55000 for what training cannot have
/// written.
OptionChoices read_options(const RowView& row, const Model& model) {
  OptionChoices choices;
  const auto check = [&](auto&& choose) {
    try {
      choose();
    } catch (const UserError& error) {
      throw UserError(
          ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
          format("the newest row of model %s says: %s", model.name.c_str(), error.message.c_str()),
          "Rows of model tables are written by als.train; train the model again.");
    }
  };
  int column = kFirstOption - 1;
  for (OptionId id : kModelOptions) {
    ++column;
    if (row.is_null(column) && option(id).is(Option::kNullable)) continue;
    const Datum datum = row.datum(column);
    check([&] { choices.set(id, option(id).from_datum(datum)); });
  }
  check([&] { choices.check_feedback(); });
  return choices;
}

void check_mean(const Model& model) {
  if (std::fabs(static_cast<float>(model.mean)) <= kMaxBias) return;
  throw UserError(
      ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
      format("the newest row of model %s says: invalid mean: %g", model.name.c_str(), model.mean),
      "Rows of model tables are written by als.train; train the model again.");
}

/// Nothing for bounds that no training can have written.
std::optional<RatingScale> scale_between(float lowest, float highest) {
  if (!std::isfinite(lowest) || !std::isfinite(highest) || lowest > highest) return std::nullopt;
  return RatingScale{lowest, highest};
}

std::optional<double> finite(double number) {
  return std::isfinite(number) ? std::optional(number) : std::nullopt;
}

}  // namespace

RatingScale Model::rating_scale() const {
  if (feedback == Feedback::kImplicit)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    format("model %s has no scale of ratings to clip to", name.c_str()),
                    "clip is for explicit feedback: implicit feedback predicts preferences.");
  if (scale) return *scale;
  throw UserError(
      ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
      format("model %s does not tell the lowest and the highest of its ratings", name.c_str()),
      "Train it again, or call without clip.");
}

TrainOptions Model::options() const {
  if (!knows_objective)
    throw UserError(
        ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
        format("model %s does not tell with which %s it was trained", name.c_str(),
               feedback == Feedback::kImplicit ? "regularization and alpha" : "regularization"),
        "Import it with these options; without them no vector can be computed.");
  TrainOptions options;
  options.feedback = feedback;
  options.factors = factors;
  options.regularization = regularization;
  options.bias_regularization = bias_regularization;
  options.reg_exponent = reg_exponent;
  options.alpha = alpha;
  options.biases = biases;
  options.nonnegative = nonnegative;
  return options;
}

namespace {

void read_objective(const RowView& row, Model& model) {
  const OptionChoices options = read_options(row, model);
  const bool implicit = options.feedback() == Feedback::kImplicit;
  model.feedback = options.feedback();
  model.factors = static_cast<int>(options.integer(OptionId::kFactors, 0));
  model.biases = options.flag(OptionId::kBiases, false);
  model.mean = DatumGetFloat8(row.datum(kMean));
  if (!row.is_null(kLowest) && !row.is_null(kHighest))
    model.scale =
        scale_between(DatumGetFloat4(row.datum(kLowest)), DatumGetFloat4(row.datum(kHighest)));
  check_mean(model);
  model.knows_objective =
      options[OptionId::kRegularization] && !(implicit && !options[OptionId::kAlpha]);
  model.regularization = options.number(OptionId::kRegularization, 0);
  // Version 1.0 and other libraries have one for all.
  model.bias_regularization = options.number(OptionId::kBiasRegularization, model.regularization);
  model.reg_exponent = options.number(OptionId::kRegExponent, 0);
  model.alpha = options.number(OptionId::kAlpha, 0);
  model.nonnegative = options.flag(OptionId::kNonnegative, false);
  model.on_duplicate = options.on_duplicate();
  model.feature_strength.items = options.number(OptionId::kFeatureStrength, 0);
  model.feature_strength.users = options.number(OptionId::kUserFeatureStrength, 0);
}

/// The source, what is seen beside it, and the features.
void read_sources(const RowView& row, Model& model) {
  row.read_named(kSource, kSourceTable, kSourcePath, model.source);
  model.source.user_col = row.name(kUserCol);
  model.source.item_col = row.name(kItemCol);
  if (!row.is_null(kRatingCol)) model.source.rating_col = row.name(kRatingCol);
  if (!row.is_null(kTimeCol)) model.source.time_col = row.name(kTimeCol);
  if (!row.is_null(kWeightCol)) model.source.weight_col = row.name(kWeightCol);
  model.source.is_implicit = model.feedback == Feedback::kImplicit;
  row.read_named(kSeen, kSeenTable, kSeenPath, model.seen);
  model.seen.what = "seen";
  model.seen.user_col = model.source.user_col;
  model.seen.item_col = model.source.item_col;
  row.read_named(kItemFeatures, kItemFeaturesTable, kItemFeaturesPath, model.features.items);
  row.read_named(kUserFeatures, kUserFeaturesTable, kUserFeaturesPath, model.features.users);
  for (const Side side : {Side::kUsers, Side::kItems}) {
    model.features[side].what = features_name(side);
    const Column weights = side == Side::kUsers ? kUserFeatureWeights : kItemFeatureWeights;
    if (!row.is_null(weights)) model.feature_weights[side] = DatumGetObjectId(row.datum(weights));
  }
}

void read_row(const RowView& row, Model& model) {
  model.factor_tables.users.version = row.version(kUserVersion);
  model.factor_tables.items.version = row.version(kItemVersion);
  read_objective(row, model);
  model.run = DatumGetInt64(row.datum(kRun));
  model.n_users = DatumGetInt64(row.datum(kUsers));
  model.n_items = DatumGetInt64(row.datum(kItems));
  model.has_duplicates = row.is_null(kDuplicates) || DatumGetInt64(row.datum(kDuplicates)) > 0;
  model.factor_tables.users.named = row.factor_table(kUserFactors, kUserTable);
  model.factor_tables.items.named = row.factor_table(kItemFactors, kItemTable);
  read_sources(row, model);
  if (!row.is_null(kDamping)) model.damping = finite(DatumGetFloat8(row.datum(kDamping)));
}

}  // namespace

Model read_model(Oid table) {
  check_installed_version();
  lock_model_table(table);
  Model model;
  model.table = table;
  model.name = relation_name(table);
  model.owner = server([&] { return owner_of(table); });
  bool found = false;
  const auto take = [&](const RowView& row) {
    found = true;
    read_row(row, model);
  };
  const ModelColumns& columns = ModelColumns::get();
  const std::string rows = relation_name(server([&] { return cluster_table(table).here; }));
  if (const auto row = copy_newest_row(table, columns.columns)) {
    take(RowView(row->values, row->nulls));
  } else {
    SPIPlanPtr plan =
        saved_plan("select " + columns.names + " from " + rows + " order by run desc limit 1", {});
    for_each_row(plan, {}, columns.types,
                 [&](TupleTableSlot* slot) { take(RowView(slot->tts_values, slot->tts_isnull)); });
  }
  if (!found)
    throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format("model %s holds no training run that you can see", model.name.c_str()),
                    "Train it with als.train(..., replace => true).");
  describe_factor_table(model, Side::kUsers);
  describe_factor_table(model, Side::kItems);
  return model;
}

}  // namespace als::pg
