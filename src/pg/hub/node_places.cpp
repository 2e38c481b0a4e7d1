// Groups partitions by server, and moves rows from there.
#include "pg/hub/node_places.h"

#include "pg/distribute/packing.h"
#include "pg/hub/sent.h"

namespace als::pg {

namespace {

/// The servers of partitions, each once, in the order of the first of its partitions.
std::vector<Oid> servers_of(const std::vector<SourcePartition>& partitions) {
  std::vector<Oid> servers;
  for (const SourcePartition& partition : partitions)
    if (OidIsValid(partition.server) &&
        std::find(servers.begin(), servers.end(), partition.server) == servers.end())
      servers.push_back(partition.server);
  return servers;
}

}  // namespace

ExpectedRows expected_of(int part, const std::string& condition, const std::string& otherwise,
                         std::int64_t count) {
  return {"part operator(pg_catalog.=) " + std::to_string(part) + " and " + condition, otherwise,
          count};
}

NodePlaces::NodePlaces(const std::vector<SourcePartition>& partitions, int parts_of_each,
                       const BySide<const IdType*>& id_types)
    : parts_(static_cast<int>(partitions.size()) * parts_of_each),
      nodes_(servers_of(partitions)),
      tables_(id_types, [this](const std::string& sql) { nodes_.run(sql); }) {
  const std::vector<Oid> servers = servers_of(partitions);
  places_.resize(servers.size());
  int part = 0;
  for (const SourcePartition& partition : partitions) {
    Place place{partition.rows, {}};
    for (int i = 0; i < parts_of_each; ++i) place.parts.push_back(part++);
    if (!OidIsValid(partition.server)) {
      here_.push_back(place);
      continue;
    }
    const auto server = std::find(servers.begin(), servers.end(), partition.server);
    places_[static_cast<std::size_t>(server - servers.begin())].push_back(place);
  }
}

void NodePlaces::open() {
  nodes_.open();
  tables_.create();
  tables_.create_slices();
}

NodeStatements NodePlaces::of_places(const StatementOfPlace& statement) const {
  NodeStatements statements(places_.size());
  for (std::size_t node = 0; node < places_.size(); ++node)
    for (const Place& place : places_[node]) statements[node].push_back(statement(place));
  return statements;
}

NodeStatements NodePlaces::of_parts(const AddOfPart& add) const {
  NodeStatements statements(places_.size());
  for (std::size_t node = 0; node < places_.size(); ++node)
    for (const Place& place : places_[node])
      for (const int part : place.parts) add(part, statements[node]);
  return statements;
}

NodeStatements NodePlaces::of_all(const NodeStatement& statement) const {
  return NodeStatements(places_.size(), {statement});
}

void NodePlaces::gather(const NodeStatements& queries, const std::string& columns,
                        const std::string& values, const std::string& into) {
  nodes_.fetch(queries, columns, [&](const std::string& from, const ExpectedRows& expected) {
    const auto rows = static_cast<std::int64_t>(execute(
        "insert into " + into + " select " + values + " from " + from + " where als._check_sent(" +
        expected.condition + ", '" + expected.otherwise + "')"));
    check_sent(expected.count < 0 || rows == expected.count, "another number of rows than it has");
  });
}

void NodePlaces::find(const QueryOfPlace& query, const WorkColumns& columns, Workspace& workspace,
                      const ExpectedRows& expected) {
  workspace.create_found(columns);
  tables_.create_found(columns);
  nodes_.run(
      of_places([&](const Place& place) {
        return NodeStatement{"insert into " + tables_.found() + " " + query(place.rows), {}};
      }),
      [&] {
        for (const Place& place : here_)
          Packing::write_from_source("insert into " + workspace.found() + " " + query(place.rows));
      });
  gather(of_all({"select * from " + tables_.found(), {}, expected}), columns.definition, "*",
         workspace.found());
}

void NodePlaces::find_everywhere(const QueryOfWorkspace& query, const WorkColumns& columns,
                                 Workspace& workspace, const ExpectedRows& expected) {
  workspace.create_found(columns);
  gather(of_all({query(tables_), {}, expected}), columns.definition, "*", workspace.found());
  execute("insert into " + workspace.found() + " " + query(workspace));
}

std::string NodePlaces::server_of(int part) const {
  for (std::size_t node = 0; node < places_.size(); ++node)
    for (const Place& place : places_[node])
      if (std::find(place.parts.begin(), place.parts.end(), part) != place.parts.end())
        return "server \"" + nodes_.server_name(node) + "\"";
  return "this server";
}

}  // namespace als::pg
