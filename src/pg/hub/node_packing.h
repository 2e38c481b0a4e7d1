// Packs a source where its partitions lie.
#pragma once

#include "pg/distribute/packing.h"
#include "pg/hub/node_places.h"

namespace als::pg {

/// As Packing; chunks and the ratings in them stay on the servers of the partitions. Items are
/// numbered here.
class NodePacking : public Packing {
 public:
  NodePacking(const PackingRequest& request, Workspace& workspace, NodePlaces& places)
      : Packing(request, workspace), places_(places) {}

  void pack() override;
  Ratings sample(ThreadTeam& team) override;
  std::uint64_t greatest_judged_hash() override;

  /// Fetches the trained users of other servers. biases: whether they have any.
  void gather_users(bool biases);

  /// Of the trained users of all places, as in pg/distribute/trained_users.h.
  std::string trained_users_query() const;

 private:
  void gather_rows() override;
  void read_counts() override;
  void number_items() override;
  void check_duplicates() override;
  void sum_totals(const Param& training, std::uint32_t slices) override;
  void share_items();
  void pack_chunks();

  struct Chunk {
    int part;
    int number;
    int users;
  };

  NodePlaces& places_;
  std::vector<Chunk> chunks_;  // in order
};

}  // namespace als::pg
