// Trained factors on their way into a factor table, see row_feed.h: als._trained_id(n),
// als._trained_factors(n), ... hand out row n.
#pragma once

#include "core/data/popularity.h"
#include "core/data/ratings.h"
#include "core/train/trainer.h"
#include "pg/ids/id_dictionary.h"

namespace als::pg {

/// The popularity of items: how many have liked each or, with confidences, how much they weigh in
/// all; with a damping, the damped mean rating.
std::vector<float> popularity_of(const std::vector<RatingTotals>& items, double mean,
                                 const std::optional<double>& damping,
                                 bool has_confidences = false);

/// One trained side: row r has the id that `ids` keeps under order[r] and row r of the factors.
struct FactorFeed {
  static constexpr const char* kWriter = "als.train";
  static constexpr const char* kHint = "The factors of a model are in its factor tables.";

  const IdDictionary* ids;
  std::vector<std::uint32_t> order;
  const Factors* factors;
  const CompressedRows* ratings;  ///< null for factors that were not trained here, without a source
  std::vector<std::uint64_t> checksums{};  ///< see core/data/row_checksum.h; none where unknown

  /// Of each row, of items whose ratings are known; else null.
  const std::vector<float>* popularity = nullptr;

  std::size_t size() const { return order.size(); }
};

}  // namespace als::pg
