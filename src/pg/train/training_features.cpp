// Features on their way through a training.
#include "pg/train/training_features.h"

#include <numeric>

#include "core/features/unrated_weights.h"
#include "core/train/row_objective.h"
#include "pg/features/unrated_rows.h"
#include "pg/server/memory_limit.h"

namespace als::pg {

void TrainingFeatures::read(const IdDictionary& ids) {
  reader_.emplace(source_, ids);
  SnapshotScope snapshot;
  reader_->read();
  snapshot.pop();
}

void TrainingFeatures::index(const TrainingData& data, const TrainOptions& options, int threads) {
  const bool of_users = source_.side == Side::kUsers;
  const std::vector<std::uint32_t>& rank = of_users ? data.user_rank() : data.item_rank();
  ratings_ = of_users ? &data.ratings().by_user() : &data.ratings().by_item();
  const std::size_t rated = rank.size();
  const std::size_t all = reader_->rows();
  is_rated_.assign(all, false);
  for (std::size_t i = 0; i < rated; ++i) is_rated_[i] = ratings_->row_size(rank[i]) > 0;
  std::vector<std::uint32_t> places(rank);
  places.resize(all, FeatureDictionary::kLeftOut);
  dictionary_ = FeatureDictionary::of(*reader_, is_rated_, places);
  has_features_.assign(rated, false);
  for (std::uint32_t i = 0; i < rated; ++i) has_features_[rank[i]] = reader_->has_row(i);
  CompressedRows rows = dictionary_->encoded(*reader_, places, rated);
  const std::size_t features = dictionary_->features().size();
  memory_ = reader_->memory() + dictionary_->memory() +
            FeaturePrior::memory(rated, features, rows.columns.size(),
                                 static_cast<std::size_t>(options.factors), options.biases) +
            // What is written: the side's rows, those of others, and the weights of both.
            (rated + reader_->others().size() + 2 * features) * options.unknowns() * sizeof(float);
  check_memory_limit(format("training with %s", source_.what).c_str(), data.memory() + memory_,
                     ", or leave columns out of the features, or train with fewer factors.",
                     format("With %zu features of %zu %ss and threads => %d.", features, rated,
                            side_name(source_.side), threads));
  rows_.emplace(std::move(rows), features);

  std::vector<std::uint32_t> ranks(reader_->others().size());
  server([&] { reader_->others().rank(ranks.data()); });
  new_order_.resize(ranks.size());
  for (std::uint32_t i = 0; i < ranks.size(); ++i) new_order_[ranks[i]] = i;
  std::fill(places.begin(), places.end(), FeatureDictionary::kLeftOut);
  std::copy(ranks.begin(), ranks.end(), places.begin() + static_cast<std::ptrdiff_t>(rated));
  new_rows_ = dictionary_->encoded(*reader_, places, ranks.size());
}

std::string TrainingFeatures::advice() const {
  std::string names;
  for (const std::string& name : dictionary_->left_out(source_))
    names += (names.empty() ? "\"" : ", \"") + name + "\"";
  return names.empty() ? names
                       : format("left out of %s, as no %s with ratings has a value there: %s",
                                source_.what, side_name(source_.side), names.c_str());
}

void TrainingFeatures::weigh(const Trainer& trainer, const TrainOptions& options,
                             ThreadTeam& team) {
  const bool of_users = source_.side == Side::kUsers;
  weights_ = (of_users ? trainer.user_prior() : trainer.item_prior())->coefficients();
  if (of_users || options.new_item_shrinkage == 0) return;
  const FactorView users = trainer.users().matrix.view();
  const RowObjective objective(options, 0, users.rows);
  unrated_ = unrated_weights(*weights_, users, options.new_item_shrinkage,
                             objective.ridge(0).others, team);
}

const Factors& TrainingFeatures::with_unrated(const Trainer& trainer, const TrainOptions& options,
                                              ThreadTeam& team) {
  weigh(trainer, options, team);
  filled_ = source_.side == Side::kUsers ? trainer.users() : trainer.items();
  for (std::size_t row = 0; row < ratings_->rows(); ++row) {
    if (ratings_->row_size(row) > 0) continue;
    add_expected(ratings_of(rows_->by_row, row), weights_of_unrated(), filled_->matrix.row(row),
                 filled_->bias.empty() ? nullptr : &filled_->bias[row]);
  }
  return *filled_;
}

void TrainingFeatures::add_checksums(std::vector<std::uint64_t>& of_ratings,
                                     ThreadTeam& team) const {
  const std::vector<std::uint64_t> own = feature_checksums(rows_->by_row, rows_->features, team);
  for (std::size_t row = 0; row < own.size(); ++row)
    if (has_features_[row]) of_ratings[row] += own[row];
}

void TrainingFeatures::write_new_rows(ModelWriter& model, const TrainReport& report,
                                      ThreadTeam& team) {
  if (new_order_.empty()) return;
  std::optional<UnratedPopularity> popularity;
  if (source_.side == Side::kItems) popularity = {report.mean, report.damping};
  write_unrated_rows(model, source_.side, reader_->others(), new_order_,
                     expected_factors(new_rows_, weights_of_unrated(), team),
                     feature_checksums(new_rows_, rows_->features, team), popularity);
}

void TrainingFeatures::write(ModelWriter& model, FeatureTable& table, std::int64_t kept,
                             TrainReport& report, ThreadTeam& team) {
  write_new_rows(model, report, team);
  table.write(*dictionary_, *weights_, unrated_, kept);
  TrainReport::OfFeatures& told = report.features[source_.side];
  told.weights = table.table();
  told.columns = dictionary_->report(*reader_, is_rated_);
  told.new_rows = static_cast<std::int64_t>(new_order_.size());
  (source_.side == Side::kUsers ? report.users : report.items) += told.new_rows;
}

}  // namespace als::pg
