// Where the parts of a training over foreign tables lie.
#pragma once

#include "pg/distribute/workspace.h"
#include "pg/nodes/foreign_partitions.h"
#include "pg/nodes/nodes.h"

namespace als::pg {

/// Rows of a part, and what else they must be; count: how many, if that is known.
ExpectedRows expected_of(int part, const std::string& condition = "true",
                         const std::string& otherwise = "rows of another part",
                         std::int64_t count = -1);

/// The partitions of a source on the servers that hold them, some perhaps here, each of as many
/// parts as all others; and tables for their chunks on those servers.
class NodePlaces {
 public:
  /// A partition and the numbers of its parts, which do not depend on where it lies.
  struct Place {
    DescribedSource rows;
    std::vector<int> parts;
  };

  /// id_types must outlive it.
  NodePlaces(const std::vector<SourcePartition>& partitions, int parts_of_each,
             const BySide<const IdType*>& id_types);
  NodePlaces(const NodePlaces&) = delete;
  NodePlaces& operator=(const NodePlaces&) = delete;

  /// Connects, and makes the tables.
  void open();
  void close() noexcept { nodes_.close(); }

  Nodes& nodes() { return nodes_; }
  Workspace& tables() { return tables_; }
  const std::vector<Place>& here() const { return here_; }
  int parts() const { return parts_; }

  /// A statement for each place, or some for each part, of all nodes.
  using StatementOfPlace = std::function<NodeStatement(const Place& place)>;
  using AddOfPart = std::function<void(int part, std::vector<NodeStatement>& of_node)>;
  NodeStatements of_places(const StatementOfPlace& statement) const;
  NodeStatements of_parts(const AddOfPart& add) const;

  /// The same statement for each node.
  NodeStatements of_all(const NodeStatement& statement) const;

  /// Fetches rows that are there into a table here. columns: of the queries, "name type, ...";
  /// values: what of these goes into the table. Throws HV000, with the name of the server, for rows
  /// that are not as expected.
  void gather(const NodeStatements& queries, const std::string& columns, const std::string& values,
              const std::string& into);

  /// Fills found() of these tables, of the same columns everywhere, with what queries over the
  /// places find, and gathers it there.
  using QueryOfPlace = std::function<std::string(const DescribedSource& rows)>;
  void find(const QueryOfPlace& query, const WorkColumns& columns, Workspace& workspace,
            const ExpectedRows& expected = {});

  /// Likewise with what a query over the workspaces finds, those of the nodes and the one here.
  using QueryOfWorkspace = std::function<std::string(const Workspace& tables)>;
  void find_everywhere(const QueryOfWorkspace& query, const WorkColumns& columns,
                       Workspace& workspace, const ExpectedRows& expected = {});

  /// The server that has a part, as errors call it.
  std::string server_of(int part) const;

 private:
  std::vector<std::vector<Place>> places_;  // by node
  std::vector<Place> here_;
  int parts_;
  Nodes nodes_;
  Workspace tables_;
};

}  // namespace als::pg
