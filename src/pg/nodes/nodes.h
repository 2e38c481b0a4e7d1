// Sessions on several servers, in which statements run at the same time.
#pragma once

#include <functional>

#include "pg/nodes/node_session.h"

namespace als::pg {

/// What the rows of a statement must be, for whoever fetches them.
struct ExpectedRows {
  std::string condition = "true";  ///< of each
  std::string otherwise;           ///< what they are called if they do not meet it
  std::int64_t count = -1;         ///< negative: any number of them
};

struct NodeStatement {
  std::string sql;
  std::vector<Param> params;
  ExpectedRows expected = {};
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
  const std::string& server_name(std::size_t node) const { return sessions_[node]->server_name(); }

  /// Runs statements that give no rows, in all nodes at once, and `meanwhile` here. Returns how
  /// many rows they have processed. All that takes its time is to be done by such: here it is only
  /// waited for, which can be interrupted.
  std::int64_t run(
      const NodeStatements& statements, const std::function<void()>& meanwhile = [] {});

  /// One statement in all nodes.
  std::int64_t run(
      const std::string& sql, const std::vector<Param>& params = {},
      const std::function<void()>& meanwhile = [] {});

  /// Fetches rows that are there: take(from, expected), with those of a statement as an item of a
  /// FROM clause, while the node is at its next statement already. columns: "name type, ..."
  /// Nothing interrupts the connection while rows come. The errors of take() get the name of their
  /// server.
  using TakeRows = std::function<void(const std::string& from, const ExpectedRows& expected)>;
  void fetch(const NodeStatements& statements, const std::string& columns, const TakeRows& take);

  /// Sends a statement that gives a column of no interest to all nodes, when they have done the
  /// last such one. They work at it while the caller makes the next. Before anything else,
  /// finish().
  void send_to_all(const std::string& sql, const std::vector<Param>& params);
  void finish();

  /// As it is with a session: throws nothing.
  void close() noexcept;

 private:
  Dblink dblink_;
  std::vector<std::unique_ptr<NodeSession>> sessions_;
  bool are_all_at_it_ = false;  // since send_to_all()
};

}  // namespace als::pg
