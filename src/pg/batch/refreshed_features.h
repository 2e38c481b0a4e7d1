// What the features of items say when some of these are refreshed.
#pragma once

#include "pg/features/feature_table.h"

namespace als::pg {

/// The source of a model's item features as it is now, and the weights that the training found.
class RefreshedFeatures {
 public:
  /// Reads both, as the caller, under the active snapshot. `type`, that of the model's item ids,
  /// must outlive this. Throws what trusted_item_features() and read_features() throw.
  RefreshedFeatures(const Model& model, const IdType& type);

  /// All items that have features.
  const IdDictionary& items() const { return reader_.others(); }

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
