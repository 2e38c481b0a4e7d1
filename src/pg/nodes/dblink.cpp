// Finds the functions of the extension, and calls them by SQL, so that privileges on them count.
#include "pg/nodes/dblink.h"

#include "pg/sql/params.h"

namespace als::pg {

namespace {

/// Runs a statement with texts as parameters, and leaves nothing of them in memory.
std::vector<std::string> first_row(const std::string& sql,
                                   std::initializer_list<const std::string*> texts) {
  std::vector<Param> params;
  for (const std::string* text : texts) params.push_back(text_param(text->c_str()));
  execute(sql, params);
  std::vector<std::string> row = take_first_row();
  server([&] {
    for (const Param& param : params) pfree(DatumGetPointer(param.value));
  });
  return row;
}

}  // namespace

std::vector<std::string> take_first_row() {
  std::vector<std::string> row;
  if (SPI_tuptable == nullptr) return row;
  if (SPI_processed > 0) {
    for (int i = 1; i <= SPI_tuptable->tupdesc->natts; ++i) {
      const char* value = server([&]() -> const char* {
        char* text = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, i);
        return text == nullptr ? "" : text;
      });
      row.emplace_back(value);
    }
  }
  server([] { SPI_freetuptable(SPI_tuptable); });
  return row;
}

Dblink::Dblink() {
  for_each_row(
      prepare("select pg_catalog.concat(p.proname, '(', "
              "pg_catalog.pg_get_function_identity_arguments(p.oid), ')'), "
              "pg_catalog.concat(pg_catalog.quote_ident(n.nspname), '.', "
              "pg_catalog.quote_ident(p.proname)) from pg_catalog.pg_extension e join "
              "pg_catalog.pg_depend d on d.refclassid operator(pg_catalog.=) "
              "'pg_catalog.pg_extension'::pg_catalog.regclass and d.refobjid "
              "operator(pg_catalog.=) e.oid and d.classid operator(pg_catalog.=) "
              "'pg_catalog.pg_proc'::pg_catalog.regclass join pg_catalog.pg_proc p on p.oid "
              "operator(pg_catalog.=) d.objid join pg_catalog.pg_namespace n on n.oid "
              "operator(pg_catalog.=) p.pronamespace where e.extname operator(pg_catalog.=) "
              "'dblink' and d.deptype operator(pg_catalog.=) 'e'"),
      {}, {TEXTOID, TEXTOID}, [&](TupleTableSlot* slot) {
        functions_[text_value(slot->tts_values[0])] = text_value(slot->tts_values[1]);
      });
  if (functions_.empty())
    throw UserError(ERRCODE_FEATURE_NOT_SUPPORTED,
                    "a training over foreign tables needs the extension dblink",
                    "Let a superuser run: create extension dblink.");
}

std::string Dblink::function(const char* name) const {
  const auto found = functions_.find(name);
  if (found == functions_.end())
    throw UserError(ERRCODE_UNDEFINED_FUNCTION, format("the extension dblink has no %s", name),
                    "Let a superuser run: alter extension dblink update.");
  return found->second;
}

void Dblink::connect(const std::string& connection, const std::string& server) const {
  first_row("select " + function("dblink_connect(text, text)") + "($1, $2)",
            {&connection, &server});
}

void Dblink::send(const std::string& connection, const std::string& sql) const {
  const std::vector<std::string> sent = first_row(
      "select " + function("dblink_send_query(text, text)") + "($1, $2)", {&connection, &sql});
  if (sent != std::vector<std::string>{"1"})
    throw UserError(ERRCODE_CONNECTION_FAILURE, "a statement could not be sent",
                    "See whether the server is up, then call again.");
}

/// A connection that has broken looks busy forever: only its error tells.
bool Dblink::is_busy(const std::string& connection) const {
  return first_row("select " + function("dblink_is_busy(text)") + "($1), " +
                       function("dblink_error_message(text)") + "($1)",
                   {&connection}) == std::vector<std::string>{"1", "OK"};
}

std::string Dblink::result(const std::string& connection, const std::string& columns) const {
  const char* name = server([&] { return quote_literal_cstr(connection.c_str()); });
  return function("dblink_get_result(text)") + "(" + name + ") as rows(" + columns + ")";
}

void Dblink::cancel(const std::string& connection) const {
  first_row("select " + function("dblink_cancel_query(text)") + "($1)", {&connection});
}

void Dblink::disconnect(const std::string& connection) const {
  first_row("select " + function("dblink_disconnect(text)") + "($1)", {&connection});
}

}  // namespace als::pg
