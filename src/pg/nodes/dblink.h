// The functions of the extension dblink.
#pragma once

#include <map>

#include "pg/sql/spi.h"

namespace als::pg {

/// The first row of the statement that was run last, as texts, empty for null; frees all of them.
std::vector<std::string> take_first_row();

/// Connections by name. Every function is one of the extension's own, whatever a search_path holds,
/// and runs as the caller. Within an SPI connection.
class Dblink {
 public:
  /// Throws 0A000 where there is no such extension.
  Dblink();

  /// server: of a foreign data wrapper, with a mapping for the caller.
  void connect(const std::string& connection, const std::string& server) const;

  /// Begins a statement.
  void send(const std::string& connection, const std::string& sql) const;

  /// Whether the result of the statement is still to be waited for.
  bool is_busy(const std::string& connection) const;

  /// The next result as an item of a FROM clause, its columns being "name type, ..." Raises the
  /// statement's error. An empty one comes at the end.
  std::string result(const std::string& connection, const std::string& columns) const;

  void cancel(const std::string& connection) const;
  void disconnect(const std::string& connection) const;

 private:
  std::string function(const char* name) const;

  std::map<std::string, std::string> functions_;  // qualified, by name and arguments
};

}  // namespace als::pg
