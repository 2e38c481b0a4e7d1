// What a report tells, before it is written.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/bins.h"
#include "report/charts.h"

namespace als {

/// A row of als.evaluate.
struct Measured {
  std::string metric;
  std::optional<int> k;
  double value;
  std::optional<double> baseline;  ///< the same of popularity alone, or of means
  std::int64_t n;
};

/// A row of als.evaluate_by_activity.
struct MeasuredGroup {
  std::int64_t min_ratings;  ///< of each of its users
  std::optional<std::int64_t> max_ratings;
  Measured measured;
};

/// An item as a page shows it. All texts are UTF-8.
struct NamedItem {
  std::string title;  ///< the id where nobody knows a title
  std::string id;     ///< empty where the title is the id
};

struct Neighbour {
  NamedItem item;
  float cosine;
};

struct ItemCard {
  NamedItem item;
  std::int64_t ratings;
  std::vector<Neighbour> neighbours;
};

struct PastRun {
  std::string run;
  std::string trained_at;
  std::string ratings;
  std::string iterations;
  std::string loss;
  std::string holdout;
  double seconds;
};

/// What a training made of a column of features.
struct FeatureColumnReport {
  std::string side;  ///< item or user
  std::string column;
  std::string kind;
  std::string weights;
  std::string missing;
  std::string rare_values;  ///< empty of numbers
};

/// A feature, and how long the vector of its weights is.
struct FeatureStrength {
  std::string side;  ///< item or user
  std::string column;
  std::string value;
  std::int64_t rows;  ///< that have it
  double strength;
};

struct ReportData {
  std::string model;
  std::vector<std::pair<std::string, std::string>>
      row;  ///< of the model table: column and text, "" for null
  std::vector<double> loss;
  std::vector<double> holdout;
  std::vector<FeatureColumnReport> features;  ///< by side
  std::vector<FeatureStrength> strongest;     ///< by side, the strongest first
  std::vector<PastRun> past_runs;             ///< the newest first
  std::string test;                           ///< what the metrics were measured on
  std::vector<Measured> metrics;
  std::vector<MeasuredGroup> by_activity;  ///< some of these, by metric
  LogBins ratings_per_user;
  LogBins ratings_per_item;
  std::vector<Bin> scores;
  std::int64_t scored_pairs = 0;
  std::vector<MapPoint> map;        ///< the most rated ones first
  std::int64_t items = 0;           ///< of the model
  double map_variance[2] = {0, 0};  ///< the shares of the two components
  std::vector<ItemCard> cards;      ///< the most rated ones first

  /// The text of a column.
  const std::string& operator[](const std::string& column) const;
};

/// The whole page.
std::string report_page(const ReportData& data);

}  // namespace als
