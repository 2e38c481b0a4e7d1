// What a report tells of a model's items: the map, and a sample with neighbours.
#pragma once

#include "pg/cache/served_model.h"
#include "report/report_data.h"

namespace als::pg {

/// The items that a report looks at.
class ReportItems {
 public:
  /// `cards` is the number of items to show with their neighbours.
  ReportItems(ServedModel& served, int cards);

  /// Indexes of items in an order that is random but depends on the ids alone: its beginning is a
  /// sample.
  const std::vector<std::uint32_t>& shuffled() const { return shuffled_; }

  /// Fills in the map, the cards and the ratings per item; `titles` as als.report takes them.
  void describe(const std::optional<std::string>& titles, ReportData& data);

 private:
  void shuffle();
  std::vector<std::uint32_t> most_rated_and_sample(std::size_t n) const;
  void find_axes(ReportData& data);
  NamedItem named(std::uint32_t index) const;

  ServedModel& served_;
  const LoadedFactors& side_;
  std::size_t n_cards_;
  std::vector<std::uint32_t> shuffled_;
  std::vector<std::uint32_t> by_ratings_;  ///< the most rated ones, as many as are ever needed
  std::vector<std::string> titles_;
};

}  // namespace als::pg
