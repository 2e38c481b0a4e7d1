// What a training has of user_features or item_features.
#pragma once

#include "core/features/feature_rows.h"
#include "pg/features/feature_table.h"
#include "pg/train/run_record.h"
#include "pg/train/training_data.h"

namespace als::pg {

/// Stage by stage, as Training goes through them.
class TrainingFeatures {
 public:
  explicit TrainingFeatures(DescribedFeatures source) : source_(std::move(source)) {}

  /// Reads them under a fresh snapshot. ids: those with ratings, which must outlive this.
  void read(const IdDictionary& ids);

  /// Makes features of what was read. Throws 53400 where they take too much memory, and what
  /// FeatureDictionary::of() throws.
  void index(const TrainingData& data, const TrainOptions& options, int threads);

  /// What to tell of columns that are left out; empty where there are none.
  std::string advice() const;

  /// Bytes that the training takes at most for them.
  std::size_t memory() const { return memory_; }

  /// Of what has ratings, in the order of the ratings.
  const FeatureRows& rows() const { return *rows_; }

  /// The trained factors; rows of which all ratings are held out are where their features put them.
  const Factors& with_unrated(const Trainer& trainer, const TrainOptions& options,
                              ThreadTeam& team);

  /// Adds the checksums of the rows' features to those of their ratings.
  void add_checksums(std::vector<std::uint64_t>& of_ratings, ThreadTeam& team) const;

  /// Adds the rows without ratings to the factor table, and writes the weights. After
  /// with_unrated().
  void write(ModelWriter& model, FeatureTable& table, std::int64_t kept, TrainReport& report,
             ThreadTeam& team);

 private:
  void weigh(const Trainer& trainer, const TrainOptions& options, ThreadTeam& team);
  const Factors& weights_of_unrated() const { return unrated_ ? *unrated_ : *weights_; }
  void write_new_rows(ModelWriter& model, const TrainReport& report, ThreadTeam& team);

  const DescribedFeatures source_;
  std::optional<FeatureReader> reader_;
  std::optional<FeatureDictionary> dictionary_;
  std::vector<bool> is_rated_;
  std::vector<bool> has_features_;  // of what has ratings, in their order
  std::optional<FeatureRows> rows_;
  std::size_t memory_ = 0;
  const CompressedRows* ratings_ = nullptr;
  std::vector<std::uint32_t> new_order_;
  CompressedRows new_rows_;
  std::optional<Factors> filled_;
  std::optional<Factors> weights_;
  std::optional<Factors> unrated_;  // where weights of what has no ratings differ
};

}  // namespace als::pg
