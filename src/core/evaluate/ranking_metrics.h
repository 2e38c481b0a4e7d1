// How good ranked lists are, from where the relevant items stand in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace als {

/// Where the items that are relevant to a user stand among those that could be recommended.
struct RelevantRanks {
  std::vector<std::uint32_t> ranks;  ///< ascending; 1 is the best
  std::size_t candidates = 0;        ///< items that are ranked, the relevant ones among them

  /// The share of pairs of a relevant item and another one in which the relevant one has the
  /// better score, equal scores counting half. Means nothing where there is no other one.
  double auc = 0;

  bool has_auc() const { return candidates > ranks.size(); }
};

/// Metrics of one user, or sums or means of many. With R relevant items, of which those at the
/// ranks r_1 < r_2 < ... are found, and h the number of them up to rank k:
///
///   precision = h / k
///   recall    = h / min(k, R)
///   hit rate  = 1 if h > 0, else 0
///   NDCG      = sum over r_j <= k of 1 / log2(r_j + 1), divided by what R items at the top give:
///               sum over j <= min(k, R) of 1 / log2(j + 1)
///   MAP       = sum over r_j <= k of j / r_j, divided by min(k, R)
///   MRR       = 1 / r_1, whatever k is
///   AUC       see RelevantRanks
struct RankingMetrics {
  struct AtCutoff {
    double precision = 0;
    double recall = 0;
    double hit_rate = 0;
    double ndcg = 0;
    double map = 0;

    /// Of a mean alone: the share of all items that are among the best k of some user.
    double catalog_coverage = 0;
  };

  explicit RankingMetrics(std::size_t cutoffs) : at(cutoffs) {}

  /// Of one user with at least one relevant item; `cutoffs` are at least 1.
  RankingMetrics(const RelevantRanks& relevant, const std::vector<std::uint32_t>& cutoffs);

  void add(const RankingMetrics& other);

  /// Divides sums by the numbers of users.
  RankingMetrics mean() const;

  std::vector<AtCutoff> at;  ///< for each cutoff
  double mrr = 0;
  double auc = 0;
  std::size_t users = 0;
  std::size_t auc_users = 0;  ///< of them with items that are not relevant
};

}  // namespace als
