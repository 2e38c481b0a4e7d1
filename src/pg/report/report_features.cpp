// Reads the weights of features, and picks the longest.
#include "pg/report/report_features.h"

#include <cmath>
#include <numeric>

#include "core/linalg/products.h"
#include "pg/features/feature_table.h"
#include "pg/report/item_titles.h"
#include "pg/server/guard.h"

namespace als::pg {

namespace {

constexpr std::size_t kStrongest = 20;

/// A page about the rest is of use, too, to who may not read the weights, or not all of them, and
/// where they are gone.
bool may_read(Oid table) {
  return server([&] {
    return SearchSysCacheExists1(RELOID, ObjectIdGetDatum(table)) &&
           pg_class_aclcheck(table, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
           check_enable_rls(table, InvalidOid, true) != RLS_ENABLED;
  });
}

/// What having it adds to a vector: of a number, what a standard deviation does.
double strength_of(const WeightedFeatures& weighted, std::size_t feature) {
  const Feature& described = weighted.features.features()[feature];
  const double length = std::sqrt(squared_norm(weighted.weights.matrix, feature));
  return described.role == FeatureRole::kNumber ? length : length / described.scale;
}

std::string value_of(const Feature& feature) {
  if (feature.role == FeatureRole::kRare) return "rare values";
  if (feature.role == FeatureRole::kNumber) return "a standard deviation";
  if (feature.role == FeatureRole::kKnot) return "about " + feature.value;
  return feature.value;
}

}  // namespace

void report_weights(const Model& model, Side side, ReportData& data) {
  if (!model.has_features(side) || !may_read(model.feature_weights[side])) return;
  const WeightedFeatures weighted = read_features(model, side);
  const std::vector<Feature>& features = weighted.features.features();
  std::vector<double> strengths(features.size());
  std::vector<std::size_t> order;
  for (std::size_t f = 0; f < features.size(); ++f) {
    strengths[f] = strength_of(weighted, f);
    if (features[f].role != FeatureRole::kEvery) order.push_back(f);
  }
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return std::pair(strengths[b], a) < std::pair(strengths[a], b);
  });
  order.resize(std::min(order.size(), kStrongest));
  for (const std::size_t f : order)
    data.strongest.push_back({side_name(side), utf8_text(features[f].column.c_str()),
                              utf8_text(value_of(features[f]).c_str()), features[f].n_rows,
                              strengths[f]});
}

}  // namespace als::pg
