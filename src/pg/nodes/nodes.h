// Sessions on several servers, in which statements run at the same time.
#pragma once

#include <functional>

#include "pg/nodes/node_session.h"

namespace als::pg {

struct NodeStatement {
  std::string sql;
  std::vector<Param> params;
};

/// Statements by node, which get their turn there one after the other.
using NodeStatements = std::vector<std::vector<NodeStatement>>;

/// The sessions that a training has on other servers. What has gone wrong on one of them ends the
/// statements of all.
class Nodes {
 public:
  /// servers: of the foreign tables. Throws 0A000 without the extension dblink.
  explicit Nodes(const std::vector<Oid>& servers);

  /// Connects to one after the other.
  void open();

  std::size_t size() const { return sessions_.size(); }

  /// Runs statements that give no rows, in all nodes at once, and `meanwhile` here. Returns how
  /// many rows they have processed. All that takes its time is to be done by such: here it is only
  /// waited for, which can be interrupted.
  std::int64_t run(
      const NodeStatements& statements, const std::function<void()>& meanwhile = [] {});

  /// One statement in all nodes.
  std::int64_t run(
      const std::string& sql, const std::vector<Param>& params = {},
      const std::function<void()>& meanwhile = [] {});

  /// Fetches rows that are there: take(from), with them as an item of a FROM clause. columns:
  /// "name type, ..." Nothing interrupts the connection while rows come.
  using TakeRows = std::function<void(const std::string& from)>;
  void fetch(const NodeStatements& statements, const std::string& columns, const TakeRows& take);

  /// As it is with a session: throws nothing.
  void close() noexcept;

 private:
  Dblink dblink_;
  std::vector<std::unique_ptr<NodeSession>> sessions_;
};

}  // namespace als::pg
