// Tells a relation from a query, and looks up the types of its columns.

#include "pg/source/rating_source.h"

namespace als::pg {

namespace {

/// Whether the text is a relation's name, qualified or not; anything else is a query. The server's
/// parser of names takes all but white space and dots for a part of one, parentheses too.
bool is_relation_name(const char* text) {
  List* names = NIL;
  if (std::strchr(text, '(') != nullptr && std::strchr(text, '"') == nullptr) return false;
  return SplitIdentifierString(pstrdup(text), '.', &names) && names != NIL;
}

void check_readable(Oid relation) {
  switch (get_rel_relkind(relation)) {
    case RELKIND_RELATION:
    case RELKIND_VIEW:
    case RELKIND_MATVIEW:
    case RELKIND_FOREIGN_TABLE:
    case RELKIND_PARTITIONED_TABLE:
      return;
    default:
      ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                      errmsg("\"%s\" is not a table or view", get_rel_name(relation)),
                      errhint("The source of ratings is a table, a view or a query.")));
  }
}

struct Column {
  Oid type;
  Oid collation;
};

Column find_column(const RatingSource& source, TupleDesc columns, const std::string& name,
                   const char* argument) {
  std::string names;
  for (int i = 0; i < columns->natts; ++i) {
    Form_pg_attribute attribute = TupleDescAttr(columns, i);
    if (attribute->attisdropped) continue;
    if (name == NameStr(attribute->attname)) return {attribute->atttypid, attribute->attcollation};
    names += (names.empty() ? "\"" : ", \"") + std::string(NameStr(attribute->attname)) + "\"";
  }
  if (name.find('{') == 0)
    throw UserError(ERRCODE_UNDEFINED_COLUMN,
                    format("%s is not the name of a column: %s", argument, name.c_str()),
                    "Give the options of a training by name, options => '{...}', or with their "
                    "type, '{...}'::jsonb.");
  throw UserError(ERRCODE_UNDEFINED_COLUMN,
                  format("%s has no column \"%s\"", source.what, name.c_str()),
                  format("Name the right one with %s => '...'%s.", argument,
                         std::strcmp(argument, "rating_col") == 0
                             ? ", or say rating_col => null to count every row as 1"
                             : ""),
                  names.empty() ? "It has no columns." : "Its columns are " + names + ".");
}

void check_distinct(const RatingSource& source) {
  if (source.user_col == source.item_col)
    throw UserError(ERRCODE_DUPLICATE_COLUMN,
                    format("user_col and item_col are both \"%s\"", source.user_col.c_str()),
                    "Name the right columns with user_col => '...', item_col => '...'.");
}

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
  const char* name = server([&]() -> const char* {
    Oid function;
    bool number = TypeCategory(getBaseType(type)) == TYPCATEGORY_NUMERIC &&
                  find_coercion_pathway(FLOAT8OID, getBaseType(type), COERCION_EXPLICIT,
                                        &function) != COERCION_PATH_NONE;
    return number ? nullptr : format_type_be(type);
  });
  if (name != nullptr)
    throw UserError(
        ERRCODE_DATATYPE_MISMATCH,
        format("column \"%s\" of type %s cannot be a rating", source.rating_col->c_str(), name),
        "Ratings are numbers or booleans; rating_col => null counts every row as 1.");
  source.rating_kind = RatingKind::kFloat8;
  source.rating_type = FLOAT8OID;
  source.cast_rating = true;
}

}  // namespace

std::string RatingSource::from_clause() const {
  if (is_none())
    throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, "the model has no source of ratings",
                    "Import it with source => '...', or call with exclude_seen => false.");
  // The line break ends a comment at the end of the query.
  if (!OidIsValid(table)) return "(" + text + "\n) as source";
  std::string name = relation_name(table);
  if (name.empty())
    throw UserError(
        ERRCODE_UNDEFINED_TABLE, format("%s \"%s\" no longer exists", what, text.c_str()),
        "Train the model again from another source, or call with exclude_seen => false.");
  return name + " as source";
}

std::string DescribedSource::rating_as_float8() const {
  const std::string rating = rating_col ? quoted(*rating_col) : "1";
  return rating + (rating_kind == RatingKind::kBool ? "::pg_catalog.int4" : "") +
         "::pg_catalog.float8";
}

RatingSource parse_source(const std::string& text) {
  RatingSource source;
  // A query may come with the semicolon that ends it in psql.
  source.text = text.substr(0, text.find_last_not_of("; \t\r\n") + 1);
  if (source.text.empty())
    throw UserError(ERRCODE_SYNTAX_ERROR, "the source of ratings is empty",
                    "Name a table or a view, or write a query.");
  source.table = server([&] {
    if (!is_relation_name(source.text.c_str())) return InvalidOid;
    List* names = textToQualifiedNameList(cstring_to_text(source.text.c_str()));
    Oid relation = RangeVarGetRelid(makeRangeVarFromNameList(names), AccessShareLock, false);
    check_readable(relation);
    return relation;
  });
  if (OidIsValid(source.table)) source.text = relation_name(source.table);
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
  TupleDesc columns = result_columns(prepare("select * from " + source.from_clause()));
  Column user = find_column(source, columns, source.user_col, "user_col");
  Column item = find_column(source, columns, source.item_col, "item_col");
  server([&] {
    MemoryContext old = MemoryContextSwitchTo(context);
    source.id_types.users = describe_id_type(user.type, user.collation, "user ids");
    source.id_types.items = describe_id_type(item.type, item.collation, "item ids");
    MemoryContextSwitchTo(old);
  });
  if (source.rating_col)
    describe_rating(source, find_column(source, columns, *source.rating_col, "rating_col").type);
  return source;
}

}  // namespace als::pg
