// Tells a relation from a query, and looks up the types of its columns.

#include "pg/source/rating_source.h"

#include "pg/server/short_lived_resources.h"
#include "pg/source/missing_column.h"

namespace als::pg {

namespace {

/// Whether the text is a relation's name, qualified or not; anything else is a query. The server's
/// parser of names takes all but white space and dots for a part of one, parentheses too.
bool is_relation_name(const char* text) {
  List* names = NIL;
  if (std::strchr(text, '(') != nullptr && std::strchr(text, '"') == nullptr) return false;
  return SplitIdentifierString(pstrdup(text), '.', &names) && names != NIL;
}

bool is_readable(Oid relation) {
  switch (get_rel_relkind(relation)) {
    case RELKIND_RELATION:
    case RELKIND_VIEW:
    case RELKIND_MATVIEW:
    case RELKIND_FOREIGN_TABLE:
    case RELKIND_PARTITIONED_TABLE:
      return true;
    default:
      return false;
  }
}

void check_readable(Oid relation) {
  if (is_readable(relation)) return;
  ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                  errmsg("\"%s\" is not a table or view", get_rel_name(relation)),
                  errhint("The source of ratings is a table, a view or a query.")));
}

/// The schemas in which the session looks names up, as a setting of search_path. Its temporary
/// tables come first if it has any, as they do now; else last, so that another session's do not
/// hide what is meant.
char* current_path() {
  StringInfoData path;
  initStringInfo(&path);
  bool has_temporary = false;
  ListCell* cell;
  foreach (cell, fetch_search_path(true)) {
    const bool is_temporary = isTempNamespace(lfirst_oid(cell));
    const char* schema = is_temporary ? "pg_temp" : get_namespace_name(lfirst_oid(cell));
    if (schema == nullptr) continue;
    has_temporary = has_temporary || is_temporary;
    appendStringInfo(&path, "%s%s", path.len == 0 ? "" : ", ", quote_identifier(schema));
  }
  if (!has_temporary) appendStringInfoString(&path, ", pg_temp");
  return path.data;
}

/// The relation of a qualified name, or InvalidOid.
Oid relation_named(const char* text) {
  List* names = NIL;
  if (!SplitIdentifierString(pstrdup(text), '.', &names) || list_length(names) != 2)
    return InvalidOid;
  const Oid schema = get_namespace_oid(static_cast<char*>(linitial(names)), true);
  return OidIsValid(schema) ? get_relname_relid(static_cast<char*>(lsecond(names)), schema)
                            : InvalidOid;
}

/// The relation of an identity, if it is one of this database and there still.
Oid relation_identified(const char* identity) {
  const char* number = std::strrchr(identity, '/');
  if (number == nullptr) return InvalidOid;
  const Oid relation = static_cast<Oid>(std::strtoul(number + 1, nullptr, 10));
  return std::strcmp(identity, identity_of(relation)) == 0 ? relation : InvalidOid;
}

CollatedType find_column(const RatingSource& source, TupleDesc columns, const std::string& name,
                         const char* argument) {
  if (const FormData_pg_attribute* column = column_named(name, columns))
    return {column->atttypid, column->attcollation};
  if (name.find('{') == 0)
    throw UserError(ERRCODE_UNDEFINED_COLUMN,
                    format("%s is not the name of a column: %s", argument, name.c_str()),
                    "Give the options of a training by name, options => '{...}', or with their "
                    "type, '{...}'::jsonb.");
  throw_missing_column(source.what, name, argument, columns,
                       std::strcmp(argument, "rating_col") == 0
                           ? ", or say rating_col => null to count every row as 1"
                           : "");
}

void check_distinct(const RatingSource& source) {
  if (source.user_col == source.item_col)
    throw UserError(ERRCODE_DUPLICATE_COLUMN,
                    format("user_col and item_col are both \"%s\"", source.user_col.c_str()),
                    "Name the right columns with user_col => '...', item_col => '...'.");
}

/// The name of a type whose values are no numbers; else null.
const char* type_without_numbers(Oid type) {
  return server([&]() -> const char* {
    Oid function;
    bool number = TypeCategory(getBaseType(type)) == TYPCATEGORY_NUMERIC &&
                  find_coercion_pathway(FLOAT8OID, getBaseType(type), COERCION_EXPLICIT,
                                        &function) != COERCION_PATH_NONE;
    return number ? nullptr : format_type_be(type);
  });
}

void check_weight(Oid type, const std::string& column) {
  if (const char* name = type_without_numbers(type))
    throw UserError(ERRCODE_DATATYPE_MISMATCH,
                    format("column \"%s\" of type %s cannot be a weight", column.c_str(), name),
                    "Weights are numbers; a query as the source can compute them.");
}

}  // namespace

void describe_rating(DescribedSource& source, Oid type) {
  source.rating_type = type;
  switch (server([&] { return getBaseType(type); })) {
    case BOOLOID:
      source.rating_kind = RatingKind::kBool;
      return;
    case INT2OID:
      source.rating_kind = RatingKind::kInt2;
      return;
    case INT4OID:
      source.rating_kind = RatingKind::kInt4;
      return;
    case INT8OID:
      source.rating_kind = RatingKind::kInt8;
      return;
    case FLOAT4OID:
      source.rating_kind = RatingKind::kFloat4;
      return;
    case FLOAT8OID:
      source.rating_kind = RatingKind::kFloat8;
      return;
    default:
      break;
  }
  if (const char* name = type_without_numbers(type))
    throw UserError(
        ERRCODE_DATATYPE_MISMATCH,
        format("column \"%s\" of type %s cannot be a rating", source.rating_col->c_str(), name),
        "Ratings are numbers or booleans: cast it in a query as the source, or say rating_col => "
        "null to count every row as 1.");
  source.rating_kind = RatingKind::kFloat8;
  source.rating_type = FLOAT8OID;
  source.cast_rating = true;
}

namespace {

void check_ordered(Oid type, const std::string& column) {
  const char* unordered = server([&]() -> const char* {
    return OidIsValid(lookup_type_cache(type, TYPECACHE_LT_OPR)->lt_opr) ? nullptr
                                                                         : format_type_be(type);
  });
  if (unordered != nullptr)
    throw UserError(
        ERRCODE_UNDEFINED_FUNCTION,
        format("column \"%s\" of type %s has no order in time", column.c_str(), unordered),
        "time_col names a timestamp, a date, a number or another type with an order.");
}

}  // namespace

std::string RatingSource::from_clause() const {
  if (is_none())
    throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "the model has no source of ratings",
                    "Import it with source => '...', or call with exclude_seen => false.");
  // The line break ends a comment at the end of the query.
  if (!is_relation) return "(" + text + "\n) as source";
  if (OidIsValid(table)) server([&] { LockRelationOid(table, AccessShareLock); });
  std::string name = relation_name(table);
  if (name.empty()) {
    const bool is_quoted = text.find('"') != std::string::npos;
    throw UserError(
        ERRCODE_UNDEFINED_TABLE,
        format(is_quoted ? "%s %s does not exist here" : "%s \"%s\" does not exist here", what,
               text.c_str()),
        user_col.empty()
            ? format("Make a table or view of this name, or train the model again with another "
                     "one, %s => '...', or without, %s => ''.",
                     what, what)
            : "Make a table or view of this name, or train the model again from another "
              "source. als.recommend, als.recommend_all and als.evaluate also work with "
              "exclude_seen => false.");
  }
  return name + " as source";
}

std::string DescribedSource::rating_as_read() const {
  return (rating_col ? quoted(*rating_col) : "1") + (cast_rating ? "::pg_catalog.float8" : "");
}

/// Is asked for each row inside the executor.
double DescribedSource::rating_number(Datum value) const {
  switch (rating_kind) {
    case RatingKind::kNone:
      return 1;
    case RatingKind::kBool:
      return DatumGetBool(value) ? 1 : 0;
    case RatingKind::kInt2:
      return DatumGetInt16(value);
    case RatingKind::kInt4:
      return DatumGetInt32(value);
    case RatingKind::kInt8:
      return static_cast<double>(DatumGetInt64(value));
    case RatingKind::kFloat4:
      return DatumGetFloat4(value);
    case RatingKind::kFloat8:
      return DatumGetFloat8(value);
  }
  return 0;
}

std::string DescribedSource::rating_as_float8() const {
  const std::string rating = rating_col ? quoted(*rating_col) : "1";
  return rating + (rating_kind == RatingKind::kBool ? "::pg_catalog.int4" : "") +
         "::pg_catalog.float8";
}

std::string DescribedSource::weight_as_float8() const {
  return (weight_col ? quoted(*weight_col) : "1") + "::pg_catalog.float8";
}

void add_hint_at_columns(const ServerError& error, const DescribedSource& source) {
  if (error.data->sqlerrcode != ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE || error.data->hint != nullptr)
    return;
  std::string columns = source.cast_rating ? "\"" + *source.rating_col + "\"" : "";
  if (source.weight_col) columns += (columns.empty() ? "\"" : " or \"") + *source.weight_col + "\"";
  if (!columns.empty())
    server([&] {
      error.data->hint = psprintf(
          "What %s has in column %s is read as double precision: correct the row, or "
          "leave it out by a query.",
          source.what, columns.c_str());
    });
}

/// Nulls are older than all times. Equal times leave it to the rating and the weight, so that it is
/// always the same row. The server takes a condition on an id into such a subquery.
std::string DescribedSource::rows_that_count() const {
  if (!time_col) return from_clause();
  const std::string pair = quoted(user_col) + ", " + quoted(item_col);
  const std::string rating = rating_as_float8();
  return "(select distinct on (" + pair + ") * from " + from_clause() + " where " + rating +
         " is not null order by " + pair + ", " + quoted(*time_col) + " desc nulls last, " +
         rating + " desc" + (weight_col ? ", " + weight_as_float8() + " desc" : "") + ") as source";
}

bool RatingSource::is_as_named() const {
  return !is_relation || server([&] { return identity == identity_of(table); });
}

char* identity_of(Oid relation) {
  return psprintf(UINT64_FORMAT "/%u/%u", GetSystemIdentifier(), MyDatabaseId, relation);
}

void find_relation(RatingSource& source) {
  source.table = server([&] {
    const Oid named = relation_named(source.text.c_str());
    if (OidIsValid(named) && is_readable(named)) return named;
    const Oid renamed = relation_identified(source.identity.c_str());
    return is_readable(renamed) ? renamed : InvalidOid;
  });
}

SourceNames::SourceNames(const RatingSource& source)
    : guard_(source.is_guarded ? source.table : InvalidOid) {
  if (!source.is_relation && !source.path.empty())
    settings_.set("search_path", source.path.c_str());
}

RatingSource parse_source(const std::string& text) {
  RatingSource source;
  // A query may come with the semicolon that ends it in psql.
  source.text = text.substr(0, text.find_last_not_of("; \t\r\n") + 1);
  if (source.text.empty())
    throw UserError(ERRCODE_SYNTAX_ERROR, "the source of ratings is empty",
                    "Name a table or a view, or write a query.");
  ShortLivedResources locks;
  source.table = server([&] {
    if (!is_relation_name(source.text.c_str())) return InvalidOid;
    List* names = textToQualifiedNameList(cstring_to_text(source.text.c_str()));
    Oid relation = RangeVarGetRelid(makeRangeVarFromNameList(names), AccessShareLock, false);
    check_readable(relation);
    return relation;
  });
  source.is_relation = OidIsValid(source.table);
  if (source.is_relation) {
    source.text = relation_name(source.table);
    source.identity = server([&] { return identity_of(source.table); });
  } else {
    source.path = server([] { return current_path(); });
  }
  locks.release();
  return source;
}

RatingSource parse_seen(const std::string& text, const RatingSource& source) {
  RatingSource seen = parse_source(text);
  seen.what = "seen";
  seen.user_col = source.user_col;
  seen.item_col = source.item_col;
  return seen;
}

DescribedSource describe_source(const RatingSource& named, MemoryContext context) {
  DescribedSource source{named, {}};
  check_distinct(named);
  SourceNames names(source);
  TupleDesc columns = result_columns(prepare("select * from " + source.from_clause()));
  CollatedType user = find_column(source, columns, source.user_col, "user_col");
  CollatedType item = find_column(source, columns, source.item_col, "item_col");
  server([&] {
    MemoryContext old = MemoryContextSwitchTo(context);
    source.id_types.users = describe_id_type(user.type, user.collation, "user ids");
    source.id_types.items = describe_id_type(item.type, item.collation, "item ids");
    MemoryContextSwitchTo(old);
  });
  if (source.rating_col)
    describe_rating(source, find_column(source, columns, *source.rating_col, "rating_col").type);
  if (source.weight_col)
    check_weight(find_column(source, columns, *source.weight_col, "weight_col").type,
                 *source.weight_col);
  if (source.time_col)
    check_ordered(find_column(source, columns, *source.time_col, "time_col").type,
                  *source.time_col);
  names.end();
  return source;
}

}  // namespace als::pg
