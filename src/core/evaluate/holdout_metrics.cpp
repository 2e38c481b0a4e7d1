// RMSE and ranking metrics of the ratings kept out, summed in an order that does not depend on
// threads.
#include "core/evaluate/holdout_metrics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/base/splitmix.h"
#include "core/evaluate/tile_ranker.h"
#include "core/linalg/products.h"
#include "core/search/score_tiles.h"

namespace als {
namespace {

/// A row whose positive ratings kept out are ranked among what it has no rating for.
struct JudgedRow {
  JudgedRow(const CompressedRows& held_out, const CompressedRows& of_training, std::size_t row)
      : seen(of_training.columns.begin() + of_training.offsets[row],
             of_training.columns.begin() + of_training.offsets[row + 1]) {
    for (std::uint64_t e = held_out.offsets[row]; e < held_out.offsets[row + 1]; ++e) {
      if (!(held_out.values[e] > 0)) continue;
      if (contains(seen, held_out.columns[e]))
        ++hidden;
      else
        relevant.push_back(held_out.columns[e]);
    }
  }

  /// Those that have been seen stand behind all `items` that are not among them.
  RelevantRanks ranks(std::size_t cutoff, std::size_t items) const {
    RelevantRanks result = counter.ranks();
    const auto last = static_cast<std::uint32_t>(std::min(items - hidden, cutoff) + 1);
    result.ranks.insert(result.ranks.end(), hidden, last);
    std::sort(result.ranks.begin(), result.ranks.end());
    return result;
  }

  std::vector<std::uint32_t> seen;
  std::vector<std::uint32_t> relevant;
  std::size_t hidden = 0;  // of the ratings kept out, of items that have been seen
  RankCounter counter;
};

/// Sums of blocks of rows, added up in order: the bits do not depend on the number of threads.
template <class SumOfRow>
double sum_over_rows(const CompressedRows& rows, ThreadTeam& team, const SumOfRow& sum_of_row) {
  const std::vector<std::size_t> runs = split_rows(rows, kRowCost, kEntriesInBlock);
  std::vector<double> sums(runs.size(), 0.0);
  team.for_each_block(runs.size() - 1, 1, [&](std::size_t run, std::size_t, int) {
    for (std::size_t row = runs[run]; row < runs[run + 1]; ++row) sums[run] += sum_of_row(row);
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

/// The users to be evaluated, in order.
std::vector<std::size_t> evaluated_users(const CompressedRows& held_out,
                                         const std::vector<std::uint64_t>& user_keys) {
  std::vector<std::size_t> evaluated;
  for (std::size_t row = 0; row < held_out.rows(); ++row) {
    if (can_be_judged(held_out, row)) evaluated.push_back(row);
  }
  if (evaluated.size() <= kJudgedUsers) return evaluated;
  std::nth_element(evaluated.begin(), evaluated.begin() + kJudgedUsers, evaluated.end(),
                   [&](std::size_t a, std::size_t b) {
                     const std::uint64_t hash_a = judging_hash(user_keys[a]);
                     const std::uint64_t hash_b = judging_hash(user_keys[b]);
                     return hash_a < hash_b || (hash_a == hash_b && a < b);
                   });
  evaluated.resize(kJudgedUsers);
  std::sort(evaluated.begin(), evaluated.end());
  return evaluated;
}

}  // namespace

double rmse(const CompressedRows& held_out, const Factors& users, const Factors& items, double mean,
            ThreadTeam& team) {
  if (held_out.columns.empty()) return 0;
  const std::size_t factors = users.matrix.cols();
  const double sum = sum_over_rows(held_out, team, [&](std::size_t row) {
    double squares = 0;
    for (std::uint64_t e = held_out.offsets[row]; e < held_out.offsets[row + 1]; ++e) {
      const std::uint32_t item = held_out.columns[e];
      double error =
          held_out.values[e] - mean - dot(users.matrix.row(row), items.matrix.row(item), factors);
      if (!users.bias.empty()) error -= static_cast<double>(users.bias[row]) + items.bias[item];
      squares += error * error;
    }
    return squares;
  });
  return std::sqrt(sum / static_cast<double>(held_out.columns.size()));
}

std::uint64_t judging_hash(std::uint64_t user_key) { return splitmix(user_key) >> 1; }

bool can_be_judged(const CompressedRows& held_out, std::size_t row) {
  const float* values = held_out.values.data();
  return std::any_of(values + held_out.offsets[row], values + held_out.offsets[row + 1],
                     [](float value) { return value > 0; });
}

RankingMetrics ranking_sums(std::size_t cutoff, const CompressedRows& held_out,
                            const CompressedRows& seen, const std::vector<std::size_t>& rows,
                            const Factors& users, const Factors& items, ThreadTeam& team) {
  const std::vector<std::uint32_t> cutoffs{static_cast<std::uint32_t>(cutoff)};
  const auto threads = static_cast<std::size_t>(team.threads());
  const ScoreTiles tiles({items.matrix.view(), nullptr}, nullptr, team);
  std::vector<TileRanker> rankers(threads, TileRanker(tiles, items.matrix.cols()));
  std::vector<RankingMetrics> metrics(rows.size(), RankingMetrics(1));
  const std::size_t grain = TileRanker::block_users(rows.size(), threads);
  team.for_each_block(rows.size(), grain, [&](std::size_t begin, std::size_t end, int thread) {
    std::vector<JudgedRow> block;
    for (std::size_t n = begin; n < end; ++n) block.emplace_back(held_out, seen, rows[n]);
    std::vector<ListToRank> lists;
    for (std::size_t n = begin; n < end; ++n) {
      JudgedRow& row = block[n - begin];
      lists.push_back(
          {users.matrix.row(rows[n]), 0, &row.relevant, &row.seen, &row.counter, nullptr, true});
    }
    rankers[static_cast<std::size_t>(thread)].rank(lists, [&] { team.leave_if_asked(thread); });
    for (std::size_t n = begin; n < end; ++n)
      metrics[n] = RankingMetrics(block[n - begin].ranks(cutoff, items.matrix.rows()), cutoffs);
  });
  RankingMetrics sum(1);
  for (const RankingMetrics& metric : metrics) sum.add(metric);
  return sum;
}

std::size_t ranking_memory(std::size_t items, std::size_t factors, int threads) {
  return ScoreTiles::memory(items, factors) +
         static_cast<std::size_t>(threads) * TileRanker::memory();
}

RankingMetrics::AtCutoff ranking_at(std::size_t cutoff, const CompressedRows& held_out,
                                    const CompressedRows& seen,
                                    const std::vector<std::uint64_t>& user_keys,
                                    const Factors& users, const Factors& items, ThreadTeam& team) {
  const std::vector<std::size_t> evaluated = evaluated_users(held_out, user_keys);
  if (evaluated.empty()) return {};
  return ranking_sums(cutoff, held_out, seen, evaluated, users, items, team).mean().at[0];
}

}  // namespace als
