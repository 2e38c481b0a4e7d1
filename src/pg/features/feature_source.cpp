// What is made of each column of a source of features.
#include "pg/features/feature_source.h"

#include "pg/ids/id_args.h"
#include "pg/server/trust.h"

namespace als::pg {

namespace {

bool is_time(Oid type) { return type == DATEOID || type == TIMESTAMPOID || type == TIMESTAMPTZOID; }

/// A server call.
bool is_category(Oid type) {
  const char category = TypeCategory(type);
  return category == TYPCATEGORY_STRING || category == TYPCATEGORY_ENUM ||
         category == TYPCATEGORY_BOOLEAN || type == UUIDOID;
}

/// A server call.
bool is_number(Oid type) {
  Oid function;
  return TypeCategory(type) == TYPCATEGORY_NUMERIC && type != MONEYOID &&
         find_coercion_pathway(FLOAT8OID, type, COERCION_EXPLICIT, &function) != COERCION_PATH_NONE;
}

/// Types may bring casts of their owners'. A server call.
void check_is_read_as(Oid type, Oid target) {
  Oid function;
  if (find_coercion_pathway(target, type, COERCION_EXPLICIT, &function) == COERCION_PATH_FUNC)
    check_cast_is_trusted(type, target, function,
                          "Cast it yourself, in a query as item_features, or leave it out.");
}

FeatureColumn describe_column(const std::string& name, Oid declared) {
  const std::string column = quoted(name);
  FeatureColumn described{name, ColumnKind::kCategory, column + "::pg_catalog.text"};
  const char* unfit = server([&]() -> const char* {
    const Oid type = getBaseType(declared);
    const Oid element = get_base_element_type(type);
    if (is_category(type)) {
      check_is_read_as(type, TEXTOID);
      return nullptr;
    }
    if (is_number(type) || is_time(type))
      described.kind = ColumnKind::kNumber;
    else if (type == TSVECTOROID || (OidIsValid(element) && (is_category(getBaseType(element)) ||
                                                             is_number(getBaseType(element)))))
      described.kind = ColumnKind::kElements;
    else
      return format_type_be(declared);
    if (is_number(type)) check_is_read_as(type, FLOAT8OID);
    if (OidIsValid(element)) {
      check_is_read_as(type, TEXTARRAYOID);
      check_is_read_as(getBaseType(element), TEXTOID);
    }
    return nullptr;
  });
  if (unfit != nullptr)
    throw UserError(
        ERRCODE_DATATYPE_MISMATCH,
        format("column \"%s\" of item_features is of type %s, which is no feature", name.c_str(),
               unfit),
        "Features are texts, enums, booleans, numbers, dates, timestamps, arrays of such, and "
        "tsvectors: leave the column out or cast it, in a query as item_features.");
  const Oid base = server([&] { return getBaseType(declared); });
  if (described.kind == ColumnKind::kElements)
    described.expression = base == TSVECTOROID ? "pg_catalog.tsvector_to_array(" + column + ")"
                                               : column + "::pg_catalog.text[]";
  if (described.kind == ColumnKind::kNumber)
    described.expression = is_time(base)
                               ? "case when pg_catalog.isfinite(" + column +
                                     ") then pg_catalog.date_part('epoch', " + column + ") end"
                               : column + "::pg_catalog.float8";
  return described;
}

/// A first column that is not named as the ids are is taken for them only where it is of their
/// kind: a title would be cast to a number, and fail at the first row.
void check_ids(const DescribedFeatures& features, const IdType& ids) {
  const char* unfit = server([&]() -> const char* {
    IdConverter converter;
    init_id_converter(&converter, features.id_type, ids.oid, CurrentMemoryContext);
    const bool fits = converter.method != IdConverter::kNone &&
                      (features.id_col == features.item_col ||
                       TypeCategory(features.id_type) == TypeCategory(ids.oid));
    return fits ? nullptr : format_type_be(features.id_type);
  });
  if (unfit != nullptr)
    throw UserError(
        ERRCODE_DATATYPE_MISMATCH,
        format("column \"%s\" of item_features is of type %s, and the ids of items are %s",
               features.id_col.c_str(), unfit, ids.name),
        features.hint_about_ids());
}

}  // namespace

const char* kind_name(ColumnKind kind) {
  constexpr const char* kNames[] = {"category", "elements", "number"};
  return kNames[static_cast<std::size_t>(kind)];
}

RatingSource parse_features(const std::string& text) {
  if (text.find_first_not_of("; \t\r\n") == std::string::npos)
    throw UserError(ERRCODE_SYNTAX_ERROR, "item_features is empty",
                    "Name a table or a view, or write a query: its columns are the items' ids and "
                    "their features.");
  RatingSource source = parse_source(text);
  source.what = "item_features";
  return source;
}

std::string DescribedFeatures::hint_about_ids() const {
  if (id_col == item_col)
    return format("Its ids are read from column \"%s\": they must be those of the source.",
                  id_col.c_str());
  return format(
      "Its ids are read from its first column, \"%s\". Where they are in another, name that one "
      "\"%s\" in a query: 'select ... as \"%s\", ...'.",
      id_col.c_str(), item_col.c_str(), item_col.c_str());
}

DescribedFeatures describe_features(const RatingSource& named, const std::string& item_col,
                                    const IdType& ids) {
  DescribedFeatures features{named, {}, InvalidOid, {}};
  features.item_col = item_col;
  SourceNames names(features);
  TupleDesc columns = result_columns(prepare("select * from " + features.from_clause()));
  int id = -1;
  for (int i = 0; i < columns->natts; ++i) {
    Form_pg_attribute attribute = TupleDescAttr(columns, i);
    if (attribute->attisdropped) continue;
    if (id < 0 || item_col == NameStr(attribute->attname)) id = i;
  }
  for (int i = 0; i < columns->natts; ++i) {
    Form_pg_attribute attribute = TupleDescAttr(columns, i);
    if (attribute->attisdropped) continue;
    const std::string name = NameStr(attribute->attname);
    if (i == id) {
      features.id_col = name;
      features.id_type = attribute->atttypid;
    } else {
      features.columns.push_back(describe_column(name, attribute->atttypid));
    }
  }
  names.end();
  if (features.columns.empty())
    throw UserError(ERRCODE_UNDEFINED_COLUMN, "item_features has no column of features",
                    "Its columns are the items' ids and one or more features.");
  check_ids(features, ids);
  return features;
}

}  // namespace als::pg
