// Waits for all nodes at once, and gives each its next statement as soon as it is done.
#include "pg/nodes/nodes.h"

namespace als::pg {

Nodes::Nodes(const std::vector<Oid>& servers) {
  for (const Oid server : servers)
    sessions_.push_back(std::make_unique<NodeSession>(dblink_, server));
}

void Nodes::open() {
  for (auto& session : sessions_) session->open();
}

std::int64_t Nodes::run(const NodeStatements& statements, const std::function<void()>& meanwhile) {
  std::int64_t rows = 0;
  std::vector<std::size_t> sent(size(), 0);
  std::vector<bool> running(size(), false);
  const auto send_next = [&](std::size_t node) {
    running[node] = sent[node] < statements[node].size();
    if (!running[node]) return;
    const NodeStatement& statement = statements[node][sent[node]++];
    sessions_[node]->send(statement.sql, statement.params);
  };
  for (std::size_t node = 0; node < size(); ++node) send_next(node);
  meanwhile();
  Patience patience;
  while (std::find(running.begin(), running.end(), true) != running.end()) {
    bool in_vain = true;
    for (std::size_t node = 0; node < size(); ++node) {
      if (!running[node] || !sessions_[node]->is_done()) continue;
      rows += sessions_[node]->receive();
      send_next(node);
      in_vain = false;
    }
    if (in_vain)
      patience.wait();
    else
      patience = Patience();
  }
  return rows;
}

std::int64_t Nodes::run(const std::string& sql, const std::vector<Param>& params,
                        const std::function<void()>& meanwhile) {
  return run(NodeStatements(size(), {{sql, params}}), meanwhile);
}

/// While the rows of one node are taken, the others make their next.
void Nodes::fetch(const NodeStatements& statements, const std::string& columns,
                  const TakeRows& take) {
  const auto send = [&](std::size_t node, std::size_t n) {
    if (n < statements[node].size())
      sessions_[node]->send(statements[node][n].sql, statements[node][n].params);
  };
  for (std::size_t node = 0; node < size(); ++node) send(node, 0);
  bool more = true;
  for (std::size_t n = 0; more; ++n) {
    more = false;
    for (std::size_t node = 0; node < size(); ++node) {
      if (n >= statements[node].size()) continue;
      more = true;
      sessions_[node]->receive(
          columns, [&](const std::string& from) { take(from, statements[node][n].expected); });
      send(node, n + 1);
    }
  }
}

void Nodes::send_to_all(const std::string& sql, const std::vector<Param>& params) {
  const std::string literals = NodeSession::literals_of(params);
  finish();
  for (auto& session : sessions_) session->send(sql, params, literals);
  are_all_at_it_ = true;
}

void Nodes::finish() {
  if (!std::exchange(are_all_at_it_, false)) return;
  for (auto& session : sessions_) session->finish();
}

/// A cancel that comes meanwhile must wait: a connection that stays would be in the way of the next
/// training.
void Nodes::close() noexcept {
  HOLD_INTERRUPTS();
  for (auto& session : sessions_) session->close();
  RESUME_INTERRUPTS();
}

}  // namespace als::pg
