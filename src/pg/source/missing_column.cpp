// Finds a column by its name; where there is none, names those that are there and the one meant.

#include "pg/source/missing_column.h"

namespace als::pg {

namespace {

/// The column whose name is this one but for case and quotes, as a literal; else null. A server
/// call.
const char* same_but_for_case(const std::string& name, TupleDesc columns) {
  const bool is_quoted = name.size() > 2 && name.front() == '"' && name.back() == '"';
  const std::string bare = is_quoted ? name.substr(1, name.size() - 2) : name;
  for (int i = 0; i < columns->natts; ++i) {
    const char* column = NameStr(TupleDescAttr(columns, i)->attname);
    if (pg_strcasecmp(column, bare.c_str()) == 0) return quote_literal_cstr(column);
  }
  return nullptr;
}

}  // namespace

const FormData_pg_attribute* column_named(const std::string& name, TupleDesc columns) {
  for (int i = 0; i < columns->natts; ++i) {
    const FormData_pg_attribute* column = TupleDescAttr(columns, i);
    if (!column->attisdropped && name == NameStr(column->attname)) return column;
  }
  return nullptr;
}

std::string sentence_of_columns(TupleDesc columns) {
  std::string names;
  for (int i = 0; i < columns->natts; ++i) {
    Form_pg_attribute attribute = TupleDescAttr(columns, i);
    if (attribute->attisdropped) continue;
    names += (names.empty() ? "\"" : ", \"") + std::string(NameStr(attribute->attname)) + "\"";
  }
  return names.empty() ? "It has no columns." : "Its columns are " + names + ".";
}

void throw_missing_column(const std::string& what, const std::string& name, const char* argument,
                          TupleDesc columns, const char* otherwise) {
  const char* meant = server([&] { return same_but_for_case(name, columns); });
  throw UserError(
      ERRCODE_UNDEFINED_COLUMN, format("%s has no column \"%s\"", what.c_str(), name.c_str()),
      meant != nullptr ? format("Use %s => %s: names are given as they are stored, without quotes.",
                                argument, meant)
                       : format("Name the right one with %s => '...'%s.", argument, otherwise),
      sentence_of_columns(columns));
}

}  // namespace als::pg
