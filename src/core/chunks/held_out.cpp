// Packs what a training is not told, and judges by it.
#include "core/chunks/held_out.h"

#include <algorithm>
#include <numeric>

#include "core/chunks/chunk_rows.h"
#include "core/evaluate/holdout_metrics.h"
#include "core/linalg/products.h"
#include "core/pieces/pieces.h"
#include "core/train/half_step.h"

namespace als {
namespace {

constexpr std::size_t kRowsInBlock = 1024;
constexpr std::size_t kCutoff = 10;

}  // namespace

Bytes pack_held_out(ChunkFacts facts, const CompressedRows& rows,
                    const std::vector<std::uint64_t>& user_keys) {
  facts.moments = moments_of(rows.values);
  PieceWriter hashes(Piece::kJudged, user_keys.size() * sizeof(std::uint64_t));
  for (const std::uint64_t key : user_keys) hashes.put(judging_hash(key));
  return joined(joined(bytes_of(facts), by_user_bytes(rows)), hashes.take());
}

HeldOut HeldOut::read(ByteView bytes) {
  HeldOut held_out;
  held_out.facts = facts_of_chunk(bytes);
  take_piece(bytes);
  held_out.rows = read_by_user(bytes, held_out.facts);
  PieceReader reader(bytes, Piece::kJudged);
  held_out.hashes = reader.get_all<std::uint64_t>(held_out.facts.users);
  reader.end();
  expect(bytes.empty(), "there are bytes behind the ratings kept out");
  return held_out;
}

std::vector<std::uint64_t> judging_hashes(ByteView bytes) {
  const HeldOut held_out = HeldOut::read(bytes);
  std::vector<std::uint64_t> hashes;
  for (std::size_t row = 0; row < held_out.rows.rows(); ++row) {
    if (can_be_judged(held_out.rows, row)) hashes.push_back(held_out.hashes[row]);
  }
  std::sort(hashes.begin(), hashes.end());
  hashes.resize(std::min(hashes.size(), kJudgedUsers));
  return hashes;
}

Judgement judge_ratings(const HeldOut& held_out, const RowObjective& objective,
                        const Factors& users, const Factors& items, ThreadTeam& team) {
  const CompressedRows& rows = held_out.rows;
  const RowPasses passes(rows, objective);
  std::vector<double> squares(rows.rows());
  team.for_each_block(rows.rows(), kRowsInBlock, [&](std::size_t begin, std::size_t end, int) {
    std::vector<float> x(objective.options().unknowns());
    for (std::size_t row = begin; row < end; ++row) {
      read_row(users, row, x);
      squares[row] = passes.fit(
          rows.offsets[row], rows.offsets[row + 1], items, x.data(),
          [](const float* a, const float* b, std::size_t n) { return dot_in_double(a, b, n); });
    }
  });
  return {rows.columns.size(), std::accumulate(squares.begin(), squares.end(), 0.0)};
}

Judgement judge_rankings(const HeldOut& held_out, const CompressedRows& seen,
                         std::uint64_t greatest_hash, const Factors& users, const Factors& items,
                         ThreadTeam& team) {
  std::vector<std::size_t> judged;
  for (std::size_t row = 0; row < held_out.rows.rows(); ++row) {
    if (held_out.hashes[row] <= greatest_hash && can_be_judged(held_out.rows, row)) {
      judged.push_back(row);
    }
  }
  const RankingMetrics sums =
      ranking_sums(kCutoff, held_out.rows, seen, judged, users, items, team);
  return {judged.size(), sums.at[0].recall};
}

}  // namespace als
