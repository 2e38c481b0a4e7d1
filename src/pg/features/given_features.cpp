// Features as JSON, read as a source of one row has them.
#include "pg/features/given_features.h"

#include <cmath>

#include "core/features/feature_rows.h"
#include "pg/features/feature_table.h"
#include "pg/model/model_source.h"
#include "pg/server/interrupts.h"
#include "pg/sql/json_value.h"

namespace als::pg {

namespace {

std::string names_of(const std::vector<FeatureColumn>& columns) {
  std::string names;
  for (const FeatureColumn& column : columns) names += (names.empty() ? "" : ", ") + column.name;
  return names;
}

/// What a value of a column is in JSON.
struct JsonForm {
  JsonValue::Kind kind;
  const char* name;
};

JsonForm form_of(const FeatureColumn& column) {
  if (column.json_type == FLOAT8OID) return {JsonValue::Kind::kNumber, "a number"};
  if (column.kind == ColumnKind::kElements)
    return {JsonValue::Kind::kArray, "an array of texts, numbers or booleans"};
  return {JsonValue::Kind::kText, "a text"};
}

bool is_plain(const JsonValue& value) {
  return value.kind != JsonValue::Kind::kArray && value.kind != JsonValue::Kind::kObject;
}

/// JSON has no such numbers: to_jsonb() makes texts of them.
bool is_no_finite_number(const JsonValue& value) {
  return value.kind == JsonValue::Kind::kText &&
         (value.text == "NaN" || value.text == "Infinity" || value.text == "-Infinity");
}

/// A category may be a boolean, too, or a number, as one is that has been cast to a text.
bool fits(const FeatureColumn& column, const JsonValue& value) {
  if (value.kind == JsonValue::Kind::kNull) return true;
  if (column.json_type == FLOAT8OID && is_no_finite_number(value)) return true;
  if (column.kind == ColumnKind::kCategory) return is_plain(value);
  return value.kind == form_of(column).kind;
}

/// Those of an array are texts, numbers, booleans and nulls.
void check_elements(const std::string& name, const JsonValue& value) {
  const auto nested = std::find_if_not(value.elements.begin(), value.elements.end(), is_plain);
  if (nested != value.elements.end())
    throw UserError(ERRCODE_DATATYPE_MISMATCH,
                    format("element %zu of \"%s\" among the features is %s",
                           static_cast<std::size_t>(nested - value.elements.begin()) + 1,
                           name.c_str(), nested->shown().c_str()),
                    "Give texts, numbers or booleans, all in one array.");
}

/// Numbers in JSON have any size.
bool is_out_of_range(const FeatureColumn& column, const JsonValue& value) {
  return column.json_type == FLOAT8OID && value.kind == JsonValue::Kind::kNumber &&
         is_beyond_double(value.number, value.text.c_str());
}

/// The id may be there, as in the JSON of a whole row.
void check_features(const JsonValue& given, const DescribedFeatures& source, const Model& model,
                    const std::string& if_others) {
  for (const auto& [name, value] : given.members) {
    if (name == source.id_col || name == source.named_id) continue;
    const FeatureColumn* column = source.column(name);
    if (column == nullptr)
      throw UserError(
          ERRCODE_UNDEFINED_COLUMN,
          format("%s of model %s has no column \"%s\"", source.what, model.name.c_str(),
                 name.c_str()),
          format("Its columns are %s. From the JSON of a row, others are taken off like "
                 "this: to_jsonb(r) - 'title'.",
                 names_of(source.columns).c_str()) +
              (model.has_features(other_side(source.side)) ? " " + if_others : ""));
    if (!fits(*column, value))
      throw UserError(
          ERRCODE_DATATYPE_MISMATCH,
          format("\"%s\" among the features is %s", name.c_str(), value.shown().c_str()),
          format("Give it as %s, or null.", form_of(*column).name));
    check_elements(name, value);
    if (is_out_of_range(*column, value))
      throw UserError(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
                      format("\"%s\" among the features is %s, which double precision cannot hold",
                             name.c_str(), value.shown().c_str()),
                      kHintAboutRange);
  }
}

/// What the server cannot read, such as a day that is none, its message tells without the column.
void add_hint(const ServerError& error, const JsonValue& given, const DescribedFeatures& source) {
  if (ERRCODE_TO_CATEGORY(error.data->sqlerrcode) != ERRCODE_DATA_EXCEPTION) return;
  std::string readings;
  for (const auto& [name, value] : given.members) {
    const FeatureColumn* column = source.column(name);
    if (column == nullptr || value.kind == JsonValue::Kind::kNull) continue;
    const char* type = server([&]() -> const char* {
      const Oid element = get_element_type(column->json_type);
      const Oid one = OidIsValid(element) ? element : column->json_type;
      const bool takes_all = TypeCategory(one) == TYPCATEGORY_STRING || one == FLOAT8OID;
      return takes_all ? nullptr : format_type_be(column->json_type);
    });
    if (type != nullptr)
      readings += (readings.empty() ? "\"" : ", \"") + name + "\" is read as " + type;
  }
  if (!readings.empty())
    server([&] { error.data->hint = psprintf("Among the features %s.", readings.c_str()); });
}

/// A query of one row with these features, as a source of features.
std::string query_of(const char* json, const DescribedFeatures& source) {
  std::string columns;
  for (const FeatureColumn& column : source.columns)
    columns += (columns.empty() ? "" : ", ") + quoted(column.name) + " " + server([&] {
                 return format_type_extended(column.json_type,
                                             -1,  // of any length, which without it is 1 for char
                                             FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY);
               });
  return "select 1::pg_catalog.int8 as " + quoted(source.id_col) +
         ", x.* from pg_catalog.jsonb_to_record(" +
         server([&] { return quote_literal_cstr(json); }) + "::pg_catalog.jsonb) as x(" + columns +
         ")";
}

}  // namespace

Factors expected_by(Datum features, const Model& model, Side side, bool has_ratings,
                    const std::string& if_others) {
  const JsonValue given = json_value(features);
  if (given.kind != JsonValue::Kind::kObject)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    format("features must be a JSON object, not %s", given.shown().c_str()),
                    "Its keys are columns of the features, such as {\"genre\": \"drama\"}.");
  if (!model.has_features(side))
    throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format("model %s has no %s", model.name.c_str(), features_name(side)),
                    model.has_features(other_side(side))
                        ? if_others
                        : format("Train it with %s => '...'.", features_name(side)));
  const char* json = server([&] {
    return JsonbToCString(nullptr, &DatumGetJsonbP(features)->root,
                          static_cast<int>(VARSIZE(DatumGetJsonbP(features))));
  });
  const WeightedFeatures weighted = read_features(model, side);
  const IdType& ids = *server([&] {
    return describe_id_type(model.factor_tables[side].id_type,
                            model.factor_tables[side].id_collation, "ids");
  });
  const DescribedFeatures source =
      describe_features(trusted_features(model, side), side, model.source.id_col(side), ids);
  weighted.features.check_columns(source, model.name);
  check_features(given, source, model, if_others);

  const IdType& number = *server([] { return describe_id_type(INT8OID, InvalidOid, "ids"); });
  const DescribedFeatures one =
      describe_features(parse_source(query_of(json, source)), side, source.id_col, number);
  const IdDictionary none(&number);
  FeatureReader reader(one, none);
  try {
    reader.read();
  } catch (const ServerError& error) {
    add_hint(error, given, source);
    throw;
  }
  ThreadTeam alone(1);
  Factors expected = expected_factors(weighted.features.encoded(reader, {0}, 1),
                                      weighted.weights_of(has_ratings), alone);
  check_expected(expected, model, side);
  return expected;
}

}  // namespace als::pg
