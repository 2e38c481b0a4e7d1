// Finds, makes, writes and reads the table of features' weights.
#include "pg/features/feature_table.h"

#include <cmath>

#include "pg/model/ownership.h"
#include "pg/server/memory_limit.h"
#include "pg/sql/flushed_abort.h"
#include "pg/sql/params.h"
#include "pg/sql/real_array.h"
#include "pg/sql/target_columns.h"

namespace als::pg {

namespace {

/// Of items without ratings there are weights of their own; null: the same.
std::string columns_of(Side side) {
  return std::string("role, column_name, value, n_") + side_name(side) +
         "s, center, scale, weights, bias" + (side == Side::kItems ? ", new_item_weights" : "");
}

/// The column of the model's row that names the table.
std::string naming_column(Side side) { return std::string(side_name(side)) + "_feature_weights"; }

bool has_center(FeatureRole role) {
  return role == FeatureRole::kNumber || role == FeatureRole::kKnot;
}

// Rows that go in one statement.
constexpr std::size_t kBatch = 1000;

Param real_array(const float* values, std::size_t n) {
  return {FLOAT4ARRAYOID,
          server([&] { return PointerGetDatum(make_vector(values, static_cast<int>(n))); })};
}

/// $1: the run, $2: one below the first feature's number, $3 to $8 and $11: columns, $9 and $12:
/// weights, one vector behind the other, $10: of how many numbers each.
std::string insert_statement(const std::string& table, Side side) {
  const std::string some =
      "(n operator(pg_catalog.-) 1) operator(pg_catalog.*) $10 operator(pg_catalog.+) 1 : n "
      "operator(pg_catalog.*) $10";
  return "insert into " + table + " (run, feature, " + columns_of(side) +
         ") select $1, $2 operator(pg_catalog.+) n::pg_catalog.int4, role, "
         "column_name::pg_catalog.name, value, n_rows, center, scale, ($9)[" +
         some + "], bias" + (side == Side::kItems ? ", ($12)[" + some + "]" : "") +
         " from rows from (pg_catalog.unnest($3), pg_catalog.unnest($4), pg_catalog.unnest($5), "
         "pg_catalog.unnest($6), pg_catalog.unnest($7), pg_catalog.unnest($8), "
         "pg_catalog.unnest($11)) with ordinality as features (role, column_name, value, n_rows, "
         "center, scale, bias, n)";
}

}  // namespace

/// Named by the newest run that had features; only one that is provably the model's.
Oid FeatureTable::find() const {
  Oid found = InvalidOid;
  if (!OidIsValid(model_.table())) return found;
  SnapshotScope snapshot;
  for_each_row(naming_query(), {}, {REGCLASSOID}, [&](TupleTableSlot* slot) {
    if (!slot->tts_isnull[0]) found = DatumGetObjectId(slot->tts_values[0]);
  });
  snapshot.pop();
  const bool is_models = server([&] {
    return holds_under_lock(found, [&] { return is_features_of(model_.table(), found, side_); });
  });
  return is_models ? found : InvalidOid;
}

SPIPlanPtr FeatureTable::naming_query() const {
  return als::pg::prepare("select " + naming_column(side_) + " from only " +
                          model_.qualified_name() + " where " + naming_column(side_) +
                          " is not null order by run desc limit 1");
}

void FeatureTable::adopt() {
  table_ = find();
  if (!OidIsValid(table_)) return;
  server([&] {
    if (OidIsValid(recorded_model(table_)) || !owns_relation(table_)) return;
    record_model(table_, model_.table());
    CommandCounterIncrement();
  });
}

/// The row of a model that is spread names tables by their names, and the nodes have none of
/// weights.
void FeatureTable::check_not_spread() const {
  if (model_.is_spread())
    throw UserError(ERRCODE_FEATURE_NOT_SUPPORTED,
                    format("model %s is spread over the nodes of a cluster, which do not support "
                           "%s yet",
                           model_.qualified_name().c_str(), features_name(side_)),
                    format("Leave %s out, or train a model of another name with distributed => "
                           "false.",
                           features_name(side_)));
}

void FeatureTable::prepare(bool make, bool unlogged) {
  if (make) check_not_spread();
  adopt();
  if (OidIsValid(table_))
    check_sees_all_rows(table_);
  else if (make)
    create(unlogged);
}

void FeatureTable::create(bool unlogged) {
  const Oid schema = model_.target_table().schema();
  const char* name = server([&] {
    return ChooseRelationName(model_.target_table().relation().c_str(), side_name(side_),
                              "feature_weights", schema, false);
  });
  const std::string table =
      server([&] { return quote_qualified_identifier(get_namespace_name(schema), name); });
  const bool temporary = server([&] { return isAnyTempNamespace(schema); });
  create_table(
      table,
      std::string("run bigint, feature int, role text not null, column_name name, value text, n_") +
          side_name(side_) +
          "s bigint not null, center float8, scale float8, weights real[] not null, bias real, " +
          (side_ == Side::kItems ? "new_item_weights real[], " : "") + "primary key (run, feature)",
      unlogged && !temporary);
  table_ = server([&] { return get_relname_relid(name, schema); });
  execute(std::string("create trigger ") + kFeaturesTrigger + " after truncate on " + table +
          " for each statement execute function als.factors_changed()");
  give_to_owner(model_.table(), table_);
  server([&] { record_model(table_, model_.table()); });
}

void FeatureTable::clear(std::int64_t kept) {
  if (OidIsValid(table_))
    execute("delete from only " + relation_name(table_) + " where run operator(pg_catalog.<>) $1",
            {bigint_param(kept)});
}

void FeatureTable::write(const FeatureDictionary& dictionary, const Factors& weights,
                         const std::optional<Factors>& unrated, std::int64_t kept) {
  clear(kept);
  const std::vector<Feature>& features = dictionary.features();
  const std::size_t n = weights.matrix.cols();
  const auto text = [](const std::string& value, bool& is_null) {
    is_null = value.empty();
    return is_null ? Datum{0} : CStringGetTextDatum(value.c_str());
  };
  for (std::size_t begin = 0; begin < features.size(); begin += kBatch) {
    const std::vector<Feature> batch(
        features.begin() + static_cast<std::ptrdiff_t>(begin),
        features.begin() + static_cast<std::ptrdiff_t>(std::min(begin + kBatch, features.size())));
    const auto flat = [&](const Factors& of_features) {
      std::vector<float> values(batch.size() * n);
      for (std::size_t i = 0; i < batch.size(); ++i)
        std::copy_n(of_features.matrix.row(begin + i), n,
                    values.begin() + static_cast<std::ptrdiff_t>(i * n));
      return real_array(values.data(), values.size());
    };
    std::vector<float> biases(batch.size());
    for (std::size_t i = 0; i < batch.size() && !weights.bias.empty(); ++i)
      biases[i] = weights.bias[begin + i];
    execute(
        insert_statement(relation_name(table_), side_),
        {bigint_param(model_.newest_run() + 1), int_param(static_cast<int>(begin) - 1),
         array_param(TEXTOID, batch,
                     [&](const Feature& feature, bool&) {
                       return CStringGetTextDatum(role_name(feature.role, side_));
                     }),
         array_param(
             TEXTOID, batch,
             [&](const Feature& feature, bool& is_null) { return text(feature.column, is_null); }),
         array_param(TEXTOID, batch,
                     [&](const Feature& feature, bool& is_null) {
                       is_null = feature.role != FeatureRole::kValue &&
                                 feature.role != FeatureRole::kKnot;
                       return is_null ? Datum{0} : CStringGetTextDatum(feature.value.c_str());
                     }),
         array_param(INT8OID, batch,
                     [](const Feature& feature, bool&) { return Int64GetDatum(feature.n_rows); }),
         array_param(FLOAT8OID, batch,
                     [](const Feature& feature, bool& is_null) {
                       is_null = !has_center(feature.role);
                       return Float8GetDatum(feature.center);
                     }),
         array_param(FLOAT8OID, batch,
                     [](const Feature& feature, bool& is_null) {
                       is_null = feature.role != FeatureRole::kNumber && feature.scale == 1;
                       return Float8GetDatum(feature.scale);
                     }),
         flat(weights), int_param(static_cast<int>(n)),
         array_param(FLOAT4OID, biases,
                     [&](float bias, bool& is_null) {
                       is_null = weights.bias.empty();
                       return Float4GetDatum(bias);
                     }),
         unrated ? flat(*unrated) : Param{FLOAT4ARRAYOID, Datum{0}, true}});
  }
}

namespace {

/// They are written in this order.
bool is_knot_after(const Feature& before, const Feature& knot) {
  return before.column == knot.column &&
         (before.role == FeatureRole::kNumber ||
          (before.role == FeatureRole::kKnot && before.center < knot.center));
}

[[noreturn]] void throw_wrong(const Model& model, Side side, const char* what) {
  throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                  format("the weights of the %s features of model %s %s", side_name(side),
                         model.name.c_str(), what),
                  "Train the model again.");
}

void check_can_be_read(const Model& model, Side side, Oid table) {
  const bool is_models = server([&] {
    return holds_under_lock(table, [&] { return is_features_of(model.table, table, side); });
  });
  if (!is_models) throw_wrong(model, side, "are gone, or their table has been changed");
  if (server([&] { return check_enable_rls(table, InvalidOid, true); }) == RLS_ENABLED)
    throw UserError(ERRCODE_INSUFFICIENT_PRIVILEGE,
                    format("row-level security may hide weights of the %s features of model %s",
                           side_name(side), model.name.c_str()),
                    "Call it as the owner of the model, or as a role with BYPASSRLS where it is "
                    "forced on the owner.");
}

bool all_finite(VectorView vector) {
  return std::all_of(vector.values, vector.values + vector.size,
                     [](float value) { return std::isfinite(value); });
}

}  // namespace

WeightedFeatures read_features(const Model& model, Side side) {
  const Oid table = model.feature_weights[side];
  check_can_be_read(model, side, table);
  const auto expect = [&](bool is_as_written) {
    if (!is_as_written) throw_wrong(model, side, "have been changed");
  };
  std::vector<Feature> features;
  Factors weights{FactorMatrix(0, static_cast<std::size_t>(model.factors)), {}};
  Factors unrated = weights;
  SPIPlanPtr plan = prepare("select " + columns_of(side) + " from only " + relation_name(table) +
                                " where run operator(pg_catalog.=) $1 order by feature",
                            {INT8OID});
  const auto vector_of = [&](Datum datum) {
    ArrayType* array = DatumGetArrayTypeP(datum);
    expect(ARR_NDIM(array) == 1 && !array_contains_nulls(array));
    const VectorView vector = view_vector(array, "weights");
    expect(vector.size == model.factors && all_finite(vector));
    return vector;
  };
  std::vector<Oid> types{TEXTOID,   NAMEOID,   TEXTOID,        INT8OID,
                         FLOAT8OID, FLOAT8OID, FLOAT4ARRAYOID, FLOAT4OID};
  if (side == Side::kItems) types.push_back(FLOAT4ARRAYOID);
  for_each_row(plan, {bigint_param(model.run)}, types, [&](TupleTableSlot* slot) {
    const Datum* values = slot->tts_values;
    const bool* nulls = slot->tts_isnull;
    const std::optional<FeatureRole> role =
        nulls[0] ? std::nullopt : role_named(TextDatumGetCString(values[0]), side);
    expect(role && !nulls[6] && !(has_center(*role) && nulls[4]));
    const char* value = nulls[2] ? "" : TextDatumGetCString(values[2]);
    const VectorView vector = vector_of(values[6]);
    const double center = nulls[4] ? 0 : DatumGetFloat8(values[4]);
    const double scale = nulls[5] ? 1 : DatumGetFloat8(values[5]);
    const float bias = nulls[7] ? 0 : DatumGetFloat4(values[7]);
    expect(std::isfinite(bias) && std::isfinite(center) && std::isfinite(scale) && scale > 0);
    if (features.size() % kBatch == 0)
      check_memory_limit("reading the weights of features",
                         features.size() * (sizeof(Feature) + 2 * vector.size * sizeof(float)), ".",
                         format("After %zu features.", features.size()));
    Feature feature{*role,  nulls[1] ? "" : NameStr(*DatumGetName(values[1])),
                    value,  nulls[3] ? 0 : DatumGetInt64(values[3]),
                    center, scale};
    expect(*role != FeatureRole::kKnot ||
           (!features.empty() && is_knot_after(features.back(), feature)));
    features.push_back(std::move(feature));
    weights.matrix.append_row(vector.values);
    if (model.biases) weights.bias.push_back(bias);
    if (side == Side::kItems && !nulls[8]) unrated.matrix.append_row(vector_of(values[8]).values);
  });
  if (features.empty()) throw_wrong(model, side, "are gone");
  const std::size_t n_unrated = unrated.matrix.rows();
  expect(n_unrated == 0 || n_unrated == features.size());
  WeightedFeatures weighted{FeatureDictionary(std::move(features)), std::move(weights), {}};
  if (n_unrated > 0) weighted.unrated = std::move(unrated);
  return weighted;
}

void check_expected(const Factors& expected, const Model& model, Side side) {
  if (are_within_limits(expected)) return;
  const char* table = server([&] { return get_rel_name(model.feature_weights[side]); });
  throw UserError(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
                  format("the weights of the %s features of model %s are too large",
                         side_name(side), model.name.c_str()),
                  format("They are in table %s. Train the model again.", table));
}

}  // namespace als::pg
