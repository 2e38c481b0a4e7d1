// Compares a table with the rows to be written.
#include "pg/sql/target_columns.h"

#include "pg/server/trust.h"
#include "pg/sql/spi.h"

namespace als::pg {

namespace {

constexpr const char* kMakeAnother =
    "Name a table with the columns that are needed, or one that does not exist: then it is made.";

std::string name_of(Oid table) {
  return server([&]() -> const char* {
    const char* name = get_rel_name(table);
    return name == nullptr ? "" : name;
  });
}

bool takes(Oid column_type, Oid type) {
  return server([&] {
    Oid function = InvalidOid;
    return find_coercion_pathway(getBaseType(column_type), type, COERCION_IMPLICIT, &function) !=
               COERCION_PATH_NONE &&
           (!OidIsValid(function) || caller_trusts_function(function));
  });
}

void check_column(Oid table, const TargetColumn& column, const std::vector<TargetColumn>& all) {
  const Oid found = server([&] { return get_atttype(table, get_attnum(table, column.name)); });
  if (!OidIsValid(found)) {
    std::string names;
    for (const TargetColumn& needed : all)
      names += std::string(names.empty() ? "" : ", ") + needed.name;
    throw UserError(
        ERRCODE_UNDEFINED_COLUMN,
        format("table \"%s\" has no column \"%s\"", name_of(table).c_str(), column.name),
        kMakeAnother, "These columns are written: " + names + ".");
  }
  if (takes(found, column.type)) return;
  const char* found_name = server([&] { return format_type_be(found); });
  const char* name = server([&] { return format_type_be(column.type); });
  throw UserError(ERRCODE_DATATYPE_MISMATCH,
                  format("column \"%s\" of table \"%s\" is %s, but %s are %s", column.name,
                         name_of(table).c_str(), found_name, column.values.c_str(), name),
                  "Alter the column, or name a table that does not exist: then it is made.");
}

/// The first column that takes no null and gets no value; empty if there is none.
std::string unfilled_column(Oid table, const std::vector<TargetColumn>& columns) {
  return server([&]() -> const char* {
    Relation relation = table_open(table, AccessShareLock);
    const char* found = "";
    TupleDesc descriptor = RelationGetDescr(relation);
    for (int i = 0; i < descriptor->natts && found[0] == '\0'; ++i) {
      Form_pg_attribute column = TupleDescAttr(descriptor, i);
      const char* name = NameStr(column->attname);
      const bool is_written = std::any_of(
          columns.begin(), columns.end(),
          [&](const TargetColumn& written) { return std::strcmp(written.name, name) == 0; });
      if (column->attnotnull && !column->atthasdef && column->attidentity == '\0' &&
          !column->attisdropped && !is_written)
        found = pstrdup(name);
    }
    table_close(relation, AccessShareLock);
    return found;
  });
}

}  // namespace

void check_takes(Oid table, const std::vector<TargetColumn>& columns) {
  const char kind = server([&] { return get_rel_relkind(table); });
  if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
    throw UserError(ERRCODE_WRONG_OBJECT_TYPE,
                    format("\"%s\" is not a table", name_of(table).c_str()),
                    "Name a table, or what does not exist: then a table is made.");
  for (const TargetColumn& column : columns) check_column(table, column, columns);
  const std::string unfilled = unfilled_column(table, columns);
  if (!unfilled.empty())
    throw UserError(ERRCODE_NOT_NULL_VIOLATION,
                    format("column \"%s\" of table \"%s\" is not null, but gets no value",
                           unfilled.c_str(), name_of(table).c_str()),
                    "Give it a default, or name a table that does not exist: then it is made.");
}

void check_sees_all_rows(Oid table) {
  if (server([&] { return check_enable_rls(table, InvalidOid, true); }) != RLS_ENABLED) return;
  const std::string name = relation_name(table);
  const bool is_forced = server([&] { return owns_relation(table); });
  throw UserError(
      ERRCODE_INSUFFICIENT_PRIVILEGE,
      format("row-level security may hide rows of table %s from you", name.c_str()),
      is_forced ? format("It is forced on the owner too: use a role with BYPASSRLS, or alter table "
                         "%s no force row level security.",
                         name.c_str())
                : "Do it as the owner of the table, or as a role with BYPASSRLS.",
      "What is hidden cannot be replaced.");
}

}  // namespace als::pg
