// The steps of a training in parts over foreign tables.
#pragma once

#include "pg/distribute/sql_steps.h"
#include "pg/hub/node_places.h"

namespace als::pg {

/// As SqlSteps: slices are here, chunks on the servers of the partitions, which get the block, and
/// send what their parts add up to.
class NodeSteps : public SqlSteps {
 public:
  NodeSteps(Workspace& workspace, NodePlaces& places, std::uint32_t slices, int threads,
            Progress& progress)
      : SqlSteps(workspace, slices, threads, static_cast<std::int64_t>(places.nodes().size()),
                 progress),
        places_(places) {}

 protected:
  void gather_block(const Param& step) override;
  void solve_users() override;
  void read_user_reports(const TakeReport& take) override;
  void gather_sums(std::int64_t bytes) override;

 private:
  NodePlaces& places_;
};

}  // namespace als::pg
