// Prepares statements there once and executes them again and again, with parameters as literals.
#include "pg/nodes/node_session.h"

#include "core/pieces/base64.h"
#include "pg/ids/id_type.h"
#include "pg/sql/bytea_value.h"
#include "pg/sql/params.h"
#include "pg/sql/transaction_steps.h"

namespace als::pg {

namespace {

/// Ids and numbers as text, and a hub that is gone noticed within seconds: by the connection that
/// it has closed, or by no answer from its machine. Temporary tables of a step, which are emptied
/// soon, have room in memory. Settings that the server does not have are left out.
constexpr const char* kSettings =
    "select pg_catalog.set_config(s.name, v.value, false) from (values "
    "('search_path', 'pg_catalog, pg_temp'), ('application_name', 'als'), "
    "('datestyle', 'ISO, MDY'), ('intervalstyle', 'postgres'), "
    "('extra_float_digits', '3'), ('bytea_output', 'hex'), ('jit', 'off'), "
    "('client_min_messages', 'warning'), ('idle_in_transaction_session_timeout', '0'), "
    "('work_mem', pg_catalog.current_setting('maintenance_work_mem')), ('temp_buffers', '64MB'), "
    "('client_connection_check_interval', '1s'), ('tcp_keepalives_idle', '3'), "
    "('tcp_keepalives_interval', '1'), ('tcp_keepalives_count', '5'), ('tcp_user_timeout', "
    "'9s')) v(name, value) join pg_catalog.pg_settings s on s.name operator(pg_catalog.=) v.name";

/// Puts a parameter behind a statement, as an expression. Those that are large are copied once.
void add_literal(const Param& param, std::string& statement) {
  if (param.is_null) {
    statement += "null";
    return;
  }
  if (param.type == BYTEAOID) {
    const ByteView bytes = view_of_bytea(param.value);
    statement.reserve(statement.size() + base64_size(bytes.size()) + 100);
    statement += "als._decoded('";
    statement.resize(statement.size() + base64_size(bytes.size()));
    write_base64(bytes, &statement[statement.size() - base64_size(bytes.size())]);
    statement += "')";
    return;
  }
  char* quoted = server([&] {
    Oid output;
    bool is_varlena;
    getTypeOutputInfo(param.type, &output, &is_varlena);
    return quote_literal_cstr(OidOutputFunctionCall(output, param.value));
  });
  statement += quoted;
  server([&] { pfree(quoted); });
}

std::string version_here() {
  execute(
      "select extversion from pg_catalog.pg_extension where extname operator(pg_catalog.=) 'als'");
  return take_first_row().at(0);
}

/// Connects. Where that fails, the error says how to mend it.
void connect_or_hint(const Dblink& dblink, const std::string& connection,
                     const std::string& server_name) {
  try {
    dblink.connect(connection, server_name);
  } catch (const ServerError& error) {
    server([&] {
      ErrorData* data = error.data;
      const char* name = quote_identifier(server_name.c_str());
      if (data->sqlerrcode == ERRCODE_UNDEFINED_OBJECT)
        data->hint = psprintf(
            "Run: create user mapping for current_user server %s options (user '...', "
            "password '...').",
            name);
      else if (data->sqlerrcode == ERRCODE_S_R_E_PROHIBITED_SQL_STATEMENT_ATTEMPTED &&
               data->hint == nullptr)
        data->hint = psprintf(
            "Run: alter user mapping for current_user server %s options (add password '...').",
            name);
      else if (data->sqlerrcode == ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION &&
               data->hint == nullptr)
        data->hint = psprintf(
            "Start that server. If it runs, see what its options say: alter server %s options (set "
            "host '...', set port '...'), and alter user mapping for current_user server %s "
            "options (set password '...').",
            name, name);
    });
    throw;
  }
}

/// Rows that are of no interest.
void skip_rows(const std::string& from) {
  execute("select from " + from);
  take_first_row();
}

}  // namespace

void Patience::wait() {
  server([&] {
    (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH,
                    static_cast<long>(std::max(milliseconds_, 1.0)), PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
  });
  milliseconds_ = std::min(1.05 * milliseconds_, 50.0);
}

NodeSession::NodeSession(const Dblink& dblink, Oid server_oid) : dblink_(dblink) {
  server_ = server([&]() -> const char* { return GetForeignServer(server_oid)->servername; });
  connection_ = format("als %u", server_oid);
}

/// Server errors get the server's name, which they cannot know.
void NodeSession::throw_named() {
  has_failed_ = true;
  try {
    throw;
  } catch (const ServerError& error) {
    server([&] {
      ErrorData* data = error.data;
      data->message = psprintf("server \"%s\": %s", server_.c_str(), data->message);
    });
    throw;
  } catch (const UserError& error) {
    throw UserError(error.sqlstate, "server \"" + server_ + "\": " + error.message, error.hint,
                    error.detail);
  }
}

/// A cancel that comes meanwhile is often noticed only when there is a connection: close() is to
/// end it, but not one of that name that somebody else has made.
void NodeSession::connect() {
  is_open_ = true;
  naming_server([&] {
    try {
      connect_or_hint(dblink_, connection_, server_);
    } catch (const ServerError& error) {
      is_open_ = error.data->sqlerrcode != ERRCODE_DUPLICATE_OBJECT;
      throw;
    }
  });
}

void NodeSession::open() {
  connect();
  const auto run = [&](const std::string& sql) {
    naming_server([&] { dblink_.send(connection_, sql); });
    is_running_ = true;
    wait();
  };
  run(kSettings);
  finish();
  run("begin isolation level repeatable read");
  receive();
  run("select (select extversion from pg_catalog.pg_extension where extname "
      "operator(pg_catalog.=) 'als')");
  std::string version;
  receive("version pg_catalog.text", [&](const std::string& from) {
    execute("select version from " + from);
    version = take_first_row().at(0);
  });
  naming_server([&] {
    if (version.empty())
      throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                      "there is no extension als in its database",
                      "Connect to that database and run: create extension als.");
    if (const std::string here = version_here(); version != here)
      throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                      "it has als " + version + ", and this server has " + here,
                      "Install the same version, and run there: alter extension als update.");
  });
}

/// The name of a prepared statement with this text.
std::string NodeSession::prepared(const std::string& sql, const std::vector<Param>& params) {
  const auto found = statements_.find(sql);
  if (found != statements_.end()) return found->second;
  std::string types;
  for (const Param& param : params) {
    const char* type = server([&]() -> const char* { return spelled_type(param.type); });
    types += (types.empty() ? "(" : ", ") + std::string(type);
  }
  const std::string name = format("als_%zu", statements_.size());
  naming_server([&] {
    dblink_.send(connection_,
                 "prepare " + name + (types.empty() ? "" : types + ")") + " as " + sql);
  });
  is_running_ = true;
  wait();
  receive();
  return statements_[sql] = name;
}

std::string NodeSession::literals_of(const std::vector<Param>& params) {
  std::string literals;
  for (const Param& param : params) {
    if (!literals.empty()) literals += ", ";
    add_literal(param, literals);
  }
  return literals;
}

void NodeSession::send(const std::string& sql, const std::vector<Param>& params,
                       const std::string& literals) {
  // Few statements come again but those that have parameters.
  const std::string statement =
      params.empty() ? sql : "execute " + prepared(sql, params) + "(" + literals + ")";
  naming_server([&] { dblink_.send(connection_, statement); });
  is_running_ = true;
}

bool NodeSession::is_done() {
  bool busy = false;
  naming_server([&] { busy = dblink_.is_busy(connection_); });
  return !busy;
}

void NodeSession::wait() {
  for (Patience patience; !is_done();) patience.wait();
}

void NodeSession::finish() { receive("value pg_catalog.text", skip_rows); }

std::int64_t NodeSession::receive() {
  std::int64_t rows = 0;
  receive("status pg_catalog.text", [&](const std::string& from) {
    // Such as "INSERT 0 42".
    execute("select pg_catalog.regexp_replace(status, '^.* ', '') from " + from);
    rows = std::strtoll(take_first_row().at(0).c_str(), nullptr, 10);
  });
  return rows;
}

void NodeSession::end_statement() {
  naming_server([&] { skip_rows(dblink_.result(connection_, "nothing pg_catalog.text")); });
  is_running_ = false;
}

/// Where the server has failed, there may be nobody to take a cancel.
void NodeSession::close() noexcept {
  if (!is_open_) return;
  is_open_ = false;
  const auto attempt = [&](auto&& body) { guard_silently([&] { run_and_undo(body); }); };
  if (is_running_ && !has_failed_) attempt([&] { dblink_.cancel(connection_); });
  attempt([&] { dblink_.disconnect(connection_); });
}

}  // namespace als::pg
