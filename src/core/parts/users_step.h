// The users' side: a half-step of one chunk.
#pragma once

#include <memory>
#include <optional>

#include "core/base/thread_team.h"
#include "core/linalg/factor_matrix.h"
#include "core/parts/item_block.h"
#include "core/parts/users_bytes.h"
#include "core/parts/weighed_chunk.h"
#include "core/pieces/bytes.h"

namespace als {

/// Takes users a half-step further, chunk after chunk: the engine's own, on all threads of the
/// team. Keeps its working memory from chunk to chunk.
class UsersStep {
 public:
  /// step: the bytes that PartsRunner::step_users() got. `block` has all slices and, as the team,
  /// outlives this.
  UsersStep(ByteView step, const ItemBlock& block, ThreadTeam& team);
  ~UsersStep();

  /// Whether it is Step::kFinish, after which no sums of items are made.
  bool is_last() const;

  struct Result {
    Bytes users;   ///< as they are then
    Bytes report;  ///< to be added up by PieceSum
  };

  /// users: what the last half-step made of this chunk, or
  /// first_users(); empty for zeros. held_out: the chunk's ratings that were kept out; empty if
  /// none were.
  Result run(WeighedChunk& chunk, ByteView users, ByteView held_out = {});

  /// The same without bytes of the users. None: zeros.
  struct Stepped {
    ChunkUsers users;
    Bytes report;
  };
  Stepped run(WeighedChunk& chunk, std::optional<ChunkUsers> users, ByteView held_out);

 private:
  struct Work;
  std::unique_ptr<Work> work_;
};

/// Users to begin with (a warm start), as many rows as the chunk has users, and their report.
UsersStep::Result first_users(const PartsTraining& training, WeighedChunk& chunk, Factors users,
                              ThreadTeam& team);

/// The factors of a chunk's users by canonical index, turned to the items' basis only by
/// Step::kFinish.
Factors factors_of_users(ByteView users);

}  // namespace als
