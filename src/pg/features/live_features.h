// What a model's features say now of some ids.
#pragma once

#include "pg/features/feature_table.h"

namespace als::pg {

/// The source of a side's features as it is now, and the weights that the training found.
class LiveFeatures {
 public:
  /// Reads both, as the caller, under the active snapshot; the features of all, or of these ids.
  /// `model` and `type`, that of the side's ids, must outlive this. Throws what trusted_features(),
  /// read_features() and FeatureDictionary::check_columns() throw.
  LiveFeatures(const Model& model, Side side, const IdType& type,
               const std::optional<std::vector<Datum>>& ids);

  /// All that have features.
  const IdDictionary& ids() const { return reader_.others(); }

  /// The features of n ids, id(i) being the i-th, and the weights they go with.
  CompressedRows rows(std::size_t n, const std::function<Datum(std::size_t i)>& id) const {
    return weighted_.features.encoded(reader_, places_of(n, id), n);
  }
  const Factors& weights() const { return weighted_.weights; }

  /// What they say of n ids, all with ratings or all without. Throws what check_expected() throws.
  struct Said {
    Factors expected;                      ///< where they expect them
    std::vector<std::uint64_t> checksums;  ///< 0 of those that have no row
  };
  Said of(std::size_t n, const std::function<Datum(std::size_t i)>& id, bool have_ratings,
          ThreadTeam& team) const;

  /// The checksum of each that has features, as ids() numbers them.
  std::vector<std::uint64_t> checksums(ThreadTeam& team) const;

 private:
  void read(const std::optional<std::vector<Datum>>& ids);
  std::vector<std::uint32_t> places_of(std::size_t n,
                                       const std::function<Datum(std::size_t i)>& id) const;

  const Model& model_;
  const Side side_;
  WeightedFeatures weighted_;
  DescribedFeatures source_;
  const IdDictionary none_;
  FeatureReader reader_;
};

}  // namespace als::pg
