// RMSE and ranking metrics of the ratings kept out, summed in an order that does not depend on
// threads.
#include "core/evaluate/holdout_metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "core/base/splitmix.h"
#include "core/base/uninitialized_vector.h"
#include "core/linalg/products.h"

namespace als {
namespace {

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
  constexpr float kNever = -std::numeric_limits<float>::infinity();
  const std::vector<std::uint32_t> cutoffs{static_cast<std::uint32_t>(cutoff)};
  std::vector<RankingMetrics> metrics(rows.size(), RankingMetrics(1));
  team.for_each_block(rows.size(), 1, [&](std::size_t n, std::size_t, int) {
    const std::size_t row = rows[n];
    UninitializedVector<float> scores(items.matrix.rows());
    score_all(items.matrix.view(), nullptr, 0.0F, users.matrix.row(row), scores.data());
    for (std::uint64_t e = seen.offsets[row]; e < seen.offsets[row + 1]; ++e) {
      scores[seen.columns[e]] = kNever;
    }
    std::vector<std::uint32_t> wanted;
    for (std::uint64_t e = held_out.offsets[row]; e < held_out.offsets[row + 1]; ++e) {
      if (held_out.values[e] > 0) wanted.push_back(held_out.columns[e]);
    }
    const auto is_wanted = [&](std::uint32_t item) {
      return std::binary_search(wanted.begin(), wanted.end(), item);
    };
    // Those kept out stand behind others with the same score. Whatever is behind the cutoff has the
    // rank after it.
    RelevantRanks relevant;
    for (const std::uint32_t item : wanted) {
      std::size_t before = 0;
      for (std::uint32_t other = 0; other < scores.size() && before < cutoff; ++other) {
        before += scores[other] > scores[item] ||
                  (scores[other] == scores[item] && other != item && !is_wanted(other));
      }
      relevant.ranks.push_back(static_cast<std::uint32_t>(before + 1));
    }
    std::sort(relevant.ranks.begin(), relevant.ranks.end());
    metrics[n] = RankingMetrics(relevant, cutoffs);
  });
  RankingMetrics sum(1);
  for (const RankingMetrics& metric : metrics) sum.add(metric);
  return sum;
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
