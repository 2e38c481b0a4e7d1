// What is made of each column of a source of features.
#include "pg/features/feature_source.h"

#include <set>

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
void check_is_read_as(Oid type, Oid target, const char* what) {
  check_reading_is_trusted(type, target,
                           psprintf("Cast it yourself, in a query as %s, or leave it out.", what));
}

/// Values of a column as texts. Equal numerics are one: 1 and 1.00.
std::string elements_of(const std::string& column, Oid type) {
  const Oid element = server([&] { return getBaseType(get_base_element_type(type)); });
  if (element != NUMERICOID) return column + "::pg_catalog.text[]";
  return "array(select pg_catalog.trim_scale(n)::pg_catalog.text from pg_catalog.unnest(" + column +
         "::pg_catalog.numeric[]) as n)";
}

/// Since 1970. Dates go further than moments, so none is made of them.
std::string seconds_of(const std::string& column, Oid type) {
  const std::string seconds =
      type == DATEOID ? "(" + column +
                            " operator(pg_catalog.-) '1970-01-01'::pg_catalog.date)"
                            "::pg_catalog.float8 operator(pg_catalog.*) 86400::pg_catalog.float8"
                      : "pg_catalog.date_part('epoch', " + column + ")";
  return "case when pg_catalog.isfinite(" + column + ") then " + seconds + " end";
}

FeatureColumn describe_column(const std::string& name, Oid declared, const char* what) {
  const std::string column = quoted(name);
  FeatureColumn described{name, ColumnKind::kCategory, column + "::pg_catalog.text", TEXTOID,
                          TEXTOID};
  const char* unfit = server([&]() -> const char* {
    const Oid type = getBaseType(declared);
    const Oid element = get_base_element_type(type);
    if (is_category(type)) {
      check_is_read_as(type, TEXTOID, what);
      return nullptr;
    }
    if (is_number(type) || is_time(type))
      described.kind = ColumnKind::kNumber;
    else if (type == TSVECTOROID)
      described.kind = ColumnKind::kLexemes;
    else if (OidIsValid(element) &&
             (is_category(getBaseType(element)) || is_number(getBaseType(element))))
      described.kind = ColumnKind::kElements;
    else
      return format_type_be(declared);
    if (is_number(type)) check_is_read_as(type, FLOAT8OID, what);
    if (OidIsValid(element)) check_is_read_as(type, TEXTARRAYOID, what);
    return nullptr;
  });
  if (unfit != nullptr)
    throw UserError(
        ERRCODE_DATATYPE_MISMATCH,
        format("column \"%s\" of %s is of type %s, which cannot be a feature", name.c_str(), what,
               unfit),
        format("Features are texts, enums, booleans, uuids and numbers, arrays of these, dates, "
               "timestamps and tsvectors: leave the column out or cast it, in a query as %s.",
               what));
  const Oid base = server([&] { return getBaseType(declared); });
  const bool is_made = base >= FirstNormalObjectId;  // a type that somebody has made
  if (!is_made) described.json_type = base;
  if (described.kind == ColumnKind::kElements) {
    if (is_made) described.json_type = TEXTARRAYOID;
    described.expression = elements_of(column, base);
    described.read_as = TEXTARRAYOID;
  }
  if (described.kind == ColumnKind::kLexemes) {
    described.expression = "pg_catalog.tsvector_to_array(" + column + ")";
    described.read_as = TEXTARRAYOID;
  }
  if (described.kind == ColumnKind::kNumber) {
    if (!is_time(base)) described.json_type = FLOAT8OID;
    // The server's cast of a numeric fails where it is too large, and does not say in which row.
    described.read_as = base == NUMERICOID ? NUMERICOID : FLOAT8OID;
    described.expression = is_time(base)        ? seconds_of(column, base)
                           : base == NUMERICOID ? column + "::pg_catalog.numeric"
                                                : column + "::pg_catalog.float8";
  }
  return described;
}

/// False where it was rounded to one that is none, beyond the last. A server call.
bool write_date(double seconds, char* text) {
  const double day = std::nearbyint(seconds / SECS_PER_DAY) + UNIX_EPOCH_JDATE;
  if (day < 0 || day >= DATE_END_JULIAN) return false;
  pg_tm time{};
  j2date(static_cast<int>(day), &time.tm_year, &time.tm_mon, &time.tm_mday);
  EncodeDateOnly(&time, USE_ISO_DATES, text);
  return true;
}

/// The same of a moment in seconds since 1970.
bool write_moment(double seconds, char* text) {
  constexpr double kEpoch =  // the server's, in seconds
      static_cast<double>(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
  const double moment = std::nearbyint((seconds - kEpoch) * USECS_PER_SEC);
  pg_tm time;
  fsec_t fraction;
  if (moment < static_cast<double>(MIN_TIMESTAMP) || moment >= static_cast<double>(END_TIMESTAMP) ||
      timestamp2tm(static_cast<Timestamp>(moment), nullptr, &time, &fraction, nullptr, nullptr) !=
          0)
    return false;
  EncodeDateTime(&time, fraction, false, 0, nullptr, USE_ISO_DATES, text);
  return true;
}

void check_names_differ(TupleDesc columns, const char* what) {
  std::set<std::string> names;
  for (int i = 0; i < columns->natts; ++i) {
    Form_pg_attribute attribute = TupleDescAttr(columns, i);
    const char* name = NameStr(attribute->attname);
    if (!attribute->attisdropped && !names.insert(name).second)
      throw UserError(ERRCODE_DUPLICATE_COLUMN, format("%s has two columns \"%s\"", what, name),
                      "Give one of them another name, or leave it out; a join with \"using\" "
                      "has its columns once.");
  }
}

/// A first column that is not named as the ids are is taken for them only where it is of their
/// kind: a title would be cast to a number, and fail at the first row.
void check_ids(const DescribedFeatures& features, const IdType& ids) {
  const char* unfit = server([&]() -> const char* {
    IdConverter converter;
    init_id_converter(&converter, features.id_type.type, ids.oid, CurrentMemoryContext);
    const bool fits = converter.method != IdConverter::kNone &&
                      (features.id_col == features.named_id ||
                       TypeCategory(features.id_type.type) == TypeCategory(ids.oid));
    return fits ? nullptr : format_type_be(features.id_type.type);
  });
  if (unfit != nullptr)
    throw UserError(
        ERRCODE_DATATYPE_MISMATCH,
        format("column \"%s\" of %s is of type %s, and the ids of %ss are %s",
               features.id_col.c_str(), features.what, unfit, side_name(features.side), ids.name),
        features.hint_about_ids());
}

}  // namespace

const char* kind_name(ColumnKind kind) {
  constexpr const char* kNames[] = {"category", "elements", "lexemes", "number"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string number_text(const FeatureColumn& column, double value) {
  char text[MAXDATELEN + 1];
  const bool has_text =
      is_time(column.json_type) && server([&] {
        return column.json_type == DATEOID ? write_date(value, text) : write_moment(value, text);
      });
  return has_text ? std::string(text) : shortest(value);
}

bool is_beyond_double(double number, const char* text) {
  const bool is_zero = std::strpbrk(text, "123456789") == nullptr;  // or Infinity, or NaN
  return !is_zero && (number == 0 || !std::isfinite(number));
}

RatingSource parse_features(const std::string& text, Side side) {
  if (text.find_first_not_of("; \t\r\n") == std::string::npos)
    throw UserError(ERRCODE_SYNTAX_ERROR, format("%s is empty", features_name(side)),
                    format("Name a table or a view, or write a query: its columns are the %ss' ids "
                           "and their features.",
                           side_name(side)));
  RatingSource source = parse_source(text);
  source.what = features_name(side);
  return source;
}

const FeatureColumn* DescribedFeatures::column(const std::string& name) const {
  for (const FeatureColumn& column : columns)
    if (column.name == name) return &column;
  return nullptr;
}

std::string DescribedFeatures::hint_about_ids() const {
  if (id_col == named_id)
    return format("Its ids are read from column \"%s\": they must be those of the source.",
                  id_col.c_str());
  return format(
      "Its ids are read from its first column, \"%s\". Where they are in another, name that one "
      "\"%s\" in a query: 'select ... as \"%s\", ...'.",
      id_col.c_str(), named_id.c_str(), named_id.c_str());
}

DescribedFeatures describe_features(const RatingSource& named, Side side,
                                    const std::string& named_id, const IdType& ids) {
  DescribedFeatures features{named, side, named_id, {}, {}, {}};
  features.what = features_name(side);
  SourceNames names(features);
  TupleDesc columns = result_columns(prepare("select * from " + features.from_clause()));
  check_names_differ(columns, features.what);
  int id = -1;
  for (int i = 0; i < columns->natts; ++i) {
    Form_pg_attribute attribute = TupleDescAttr(columns, i);
    if (attribute->attisdropped) continue;
    if (id < 0 || named_id == NameStr(attribute->attname)) id = i;
  }
  for (int i = 0; i < columns->natts; ++i) {
    Form_pg_attribute attribute = TupleDescAttr(columns, i);
    if (attribute->attisdropped) continue;
    const std::string name = NameStr(attribute->attname);
    if (i == id) {
      features.id_col = name;
      features.id_type = {attribute->atttypid, attribute->attcollation};
    } else {
      features.columns.push_back(describe_column(name, attribute->atttypid, features.what));
    }
  }
  names.end();
  if (features.columns.empty())
    throw UserError(
        ERRCODE_UNDEFINED_COLUMN, format("%s has no column of features", features.what),
        format("Its columns are the %ss' ids and one or more features.", side_name(side)));
  check_ids(features, ids);
  return features;
}

}  // namespace als::pg
