// The ratings kept out of a chunk, and how well its users do on them.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/thread_team.h"
#include "core/chunks/chunk.h"
#include "core/data/compressed_rows.h"
#include "core/linalg/factor_matrix.h"
#include "core/train/row_objective.h"

namespace als {

/// facts: of the chunk, but for the moments. rows: by user.
Bytes pack_held_out(ChunkFacts facts, const CompressedRows& rows,
                    const std::vector<std::uint64_t>& user_keys);

/// Such bytes, unpacked.
struct HeldOut {
  ChunkFacts facts;
  CompressedRows rows;
  UninitializedVector<std::uint64_t> hashes;  ///< see judging_hash(), of each user

  static HeldOut read(ByteView bytes);
};

/// The hashes of the users that a ranking may look at, kJudgedUsers of them at most, ascending.
std::vector<std::uint64_t> judging_hashes(ByteView held_out);

/// A sum over what was judged: squared errors of ratings, or for implicit feedback recalls of
/// users.
struct Judgement {
  std::uint64_t judged = 0;
  double sum = 0;
};

/// Of users and items in one basis. seen: the ratings of the training.
Judgement judge_ratings(const HeldOut& held_out, const RowObjective& objective,
                        const Factors& users, const Factors& items, ThreadTeam& team);
Judgement judge_rankings(const HeldOut& held_out, const CompressedRows& seen,
                         std::uint64_t greatest_hash, const Factors& users, const Factors& items,
                         ThreadTeam& team);

}  // namespace als
