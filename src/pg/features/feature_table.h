// The weights of a model's features, as a table.
#pragma once

#include "core/linalg/factor_matrix.h"
#include "pg/features/feature_dictionary.h"
#include "pg/model/model_writer.h"

namespace als::pg {

/// The table of a model that is locked: taste_item_feature_weights, or that of users, with the rows
/// of the newest run and of the run that is kept before it.
class FeatureTable {
 public:
  FeatureTable(ModelWriter& model, Side side) : model_(model), side_(side) {}

  /// Finds the table, and makes it where it is missing and `make` is true; for the model's owner.
  void prepare(bool make, bool unlogged);

  /// Finds the table, and records anew that it is the model's: a dump does not keep that.
  void adopt();

  /// Puts the features of the coming run there, and removes those of all others but `kept`.
  /// unrated: their weights for items without ratings, where these are not the same.
  void write(const FeatureDictionary& features, const Factors& weights,
             const std::optional<Factors>& unrated, std::int64_t kept);

  /// Removes the rows of all runs but `kept`.
  void clear(std::int64_t kept);

  Oid table() const { return table_; }  ///< InvalidOid where there is none

 private:
  void check_not_spread() const;
  SPIPlanPtr naming_query() const;
  Oid find() const;
  void create(bool unlogged);

  ModelWriter& model_;
  const Side side_;
  Oid table_ = InvalidOid;
};

/// The features of a side in a model's newest run, with their weights. Throws 55000 where they are
/// gone.
struct WeightedFeatures {
  FeatureDictionary features;
  Factors weights;
  std::optional<Factors> unrated;  ///< see unrated_weights()

  const Factors& weights_of(bool has_ratings) const {
    return has_ratings || !unrated ? weights : *unrated;
  }
};
WeightedFeatures read_features(const Model& model, Side side);

/// Throws 22003 where weights, as somebody may have changed them, put rows beyond what scores can
/// be computed from.
void check_expected(const Factors& expected, const Model& model, Side side);

}  // namespace als::pg
