// Users who are folded in, many at a time.
#pragma once

#include "core/base/thread_team.h"
#include "core/data/compressed_rows.h"
#include "core/fold_in/folded_row.h"
#include "pg/cache/fixed_side.h"
#include "pg/features/live_features.h"

namespace als::pg {

/// Gives users vectors as a training would: by their history and, where the model has some, by
/// their features.
class FoldedUsers {
 public:
  /// `history`: what each of the users is known by, without duplicates; it and the team must
  /// outlive this. Within an SPI connection: reads features under the active snapshot, and throws
  /// what LiveFeatures throws.
  FoldedUsers(ServedModel& served, const IdDictionary& users, const CompressedRows& history,
              ThreadTeam& team);

  /// The vectors (and biases, where the model has them) of these users, who each have some history.
  /// Throws 22003 for one that is not finite.
  Factors fold_in(const std::uint32_t* users, std::size_t n) const;

  /// Bytes for n users.
  static std::size_t memory(const Model& model, std::size_t n);

 private:
  void read_features(const IdDictionary& users);

  const Model& model_;
  const CompressedRows& history_;
  ThreadTeam& team_;
  FixedSide items_;
  CompressedRows features_;  // of the users, with these weights
  std::optional<Factors> weights_;
};

}  // namespace als::pg
