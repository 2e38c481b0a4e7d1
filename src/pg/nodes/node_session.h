// One session on another server.
#pragma once

#include "pg/nodes/dblink.h"

namespace als::pg {

/// A session on a foreign server, in one transaction from its beginning to its end, in which a
/// statement after the other runs. What it makes are temporary tables: where it ends, for whatever
/// reason, nothing is left there. Errors have the name of the server.
class NodeSession {
 public:
  /// Nothing is done before open().
  NodeSession(const Dblink& dblink, Oid server);

  const std::string& server_name() const { return server_; }

  /// Connects, as whom the caller is mapped to, and begins. Throws 55000 for a server that has not
  /// the same version of als.
  void open();

  /// Begins a statement; $1, $2, ... are its parameters.
  void send(const std::string& sql, const std::vector<Param>& params = {}) {
    send(sql, params, literals_of(params));
  }
  /// literals: of the parameters, where several nodes get the same.
  void send(const std::string& sql, const std::vector<Param>& params, const std::string& literals);

  /// As SQL has them: "1, 'two', null".
  static std::string literals_of(const std::vector<Param>& params);

  /// Whether the statement has ended.
  bool is_done();

  /// Waits for the rows of a statement: take(from), with them as an item of a FROM clause. What
  /// comes with is_done() comes in small pieces, so many rows are best received without that.
  template <class Take>
  void receive(const std::string& columns, Take&& take) {
    naming_server([&] { take(dblink_.result(connection_, columns)); });
    end_statement();
  }

  /// Waits for a statement that gives a column of no interest.
  void finish();

  /// Of a statement without rows, that has ended: how many it has processed.
  std::int64_t receive();

  /// After an error, or at the end; does what it can, and throws nothing.
  void close() noexcept;

 private:
  void connect();
  void end_statement();
  void wait();
  std::string prepared(const std::string& sql, const std::vector<Param>& params);
  [[noreturn]] void throw_named();

  template <class Body>
  void naming_server(Body&& body) {
    try {
      body();
    } catch (...) {
      throw_named();
    }
  }

  const Dblink& dblink_;
  std::string server_;
  std::string connection_;
  bool is_open_ = false;
  bool is_running_ = false;
  bool has_failed_ = false;
  std::map<std::string, std::string> statements_;  // prepared there, by their text
};

/// Waits for a moment that grows with how long it has been already. Throws 57014 for a cancel.
class Patience {
 public:
  void wait();

 private:
  double milliseconds_ = 0.5;
};

}  // namespace als::pg
