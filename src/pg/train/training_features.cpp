// Features on their way through a training.
#include "pg/train/training_features.h"

#include <numeric>

#include "pg/features/unrated_items.h"
#include "pg/server/memory_limit.h"

namespace als::pg {

void TrainingFeatures::read(const IdDictionary& items) {
  reader_.emplace(source_, items);
  SnapshotScope snapshot;
  reader_->read();
  snapshot.pop();
}

void TrainingFeatures::index(const TrainingData& data, const TrainOptions& options, int threads) {
  const std::vector<std::uint32_t>& rank = data.item_rank();
  const std::size_t items = rank.size();
  const std::size_t all = reader_->rows();
  is_rated_.assign(all, false);
  for (std::size_t i = 0; i < items; ++i)
    is_rated_[i] = data.ratings().by_item().row_size(rank[i]) > 0;
  std::vector<std::uint32_t> places(rank);
  places.resize(all, FeatureDictionary::kLeftOut);
  dictionary_ = FeatureDictionary::of(*reader_, is_rated_, places);
  CompressedRows rows = dictionary_->encoded(*reader_, places, items);
  const std::size_t features = dictionary_->features().size();
  check_memory_limit(
      "training with item_features",
      data.memory() + reader_->memory() +
          FeaturePrior::memory(items, features, rows.columns.size(),
                               static_cast<std::size_t>(options.factors), options.biases) +
          reader_->others().size() * options.unknowns() * sizeof(float),
      ", or leave columns out of item_features, or train with fewer factors.",
      format("With %zu features of %zu items and threads => %d.", features, items, threads));
  rows_.emplace(std::move(rows), features);

  std::vector<std::uint32_t> ranks(reader_->others().size());
  server([&] { reader_->others().rank(ranks.data()); });
  new_order_.resize(ranks.size());
  for (std::uint32_t i = 0; i < ranks.size(); ++i) new_order_[ranks[i]] = i;
  std::fill(places.begin(), places.end(), FeatureDictionary::kLeftOut);
  std::copy(ranks.begin(), ranks.end(), places.begin() + static_cast<std::ptrdiff_t>(items));
  new_rows_ = dictionary_->encoded(*reader_, places, ranks.size());
}

const Factors& TrainingFeatures::with_unrated(const Trainer& trainer) {
  filled_ = trainer.items();
  const Factors weights = trainer.item_prior()->coefficients();
  const CompressedRows& ratings = trainer.ratings_by_item();
  for (std::size_t row = 0; row < ratings.rows(); ++row) {
    if (ratings.row_size(row) > 0) continue;
    add_expected(ratings_of(rows_->by_row, row), weights, filled_->matrix.row(row),
                 filled_->bias.empty() ? nullptr : &filled_->bias[row]);
  }
  return *filled_;
}

void TrainingFeatures::write_new_items(ModelWriter& model, const Factors& weights,
                                       const TrainReport& report, ThreadTeam& team) {
  if (new_order_.empty()) return;
  write_unrated_items(model, reader_->others(), new_order_,
                      expected_factors(new_rows_, weights, team), true, report.mean,
                      report.damping);
}

void TrainingFeatures::write(ModelWriter& model, FeatureTable& table, const Trainer& trainer,
                             std::int64_t kept, TrainReport& report, ThreadTeam& team) {
  const Factors weights = trainer.item_prior()->coefficients();
  write_new_items(model, weights, report, team);
  table.write(*dictionary_, weights, kept);
  report.feature_weights = table.table();
  report.feature_columns = dictionary_->report(*reader_, is_rated_);
  report.new_items = static_cast<std::int64_t>(new_order_.size());
  report.items += report.new_items;
}

}  // namespace als::pg
