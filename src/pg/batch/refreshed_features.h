// What the features of users or items say when some of these are refreshed.
#pragma once

#include "pg/features/feature_table.h"

namespace als::pg {

/// The source of a side's features as it is now, and the weights that the training found.
class RefreshedFeatures {
 public:
  /// Reads both, as the caller, under the active snapshot. `type`, that of the side's ids,
  /// must outlive this. Throws what trusted_features(), read_features() and
  /// FeatureDictionary::check_columns() throw.
  RefreshedFeatures(const Model& model, Side side, const IdType& type);

  /// All that have features.
  const IdDictionary& ids() const { return reader_.others(); }

  /// Where the features of these ids expect them; n of them, id(i) being the i-th.
  Factors expected(std::size_t n, const std::function<Datum(std::size_t i)>& id,
                   ThreadTeam& team) const;

 private:
  WeightedFeatures weighted_;
  DescribedFeatures source_;
  const IdDictionary none_;
  FeatureReader reader_;
};

}  // namespace als::pg
