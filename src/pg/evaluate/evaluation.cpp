// The steps of an evaluation, from reading its sources to the metrics.

#include "pg/evaluate/evaluation.h"

#include <atomic>

#include "core/data/duplicates.h"
#include "pg/evaluate/item_means.h"
#include "pg/evaluate/relevance.h"
#include "pg/evaluate/trained_rows.h"
#include "pg/history/seen_reader.h"
#include "pg/model/model_source.h"
#include "pg/server/interrupts.h"
#include "pg/server/memory_limit.h"
#include "pg/server/settings.h"
#include "pg/source/duplicate_error.h"

namespace als::pg {

namespace {

constexpr std::size_t kBatchUsers = 1024;

std::size_t bytes_of(const CompressedRows& rows) {
  return rows.offsets.size() * sizeof(std::uint64_t) +
         rows.columns.size() * (sizeof(std::uint32_t) + sizeof(float)) +
         rows.weights.size() * sizeof(float);
}

constexpr const char* kOrElse = ", or use fewer threads or fewer rows.";

/// What the evaluators take, from the beginning to the end. Throws 53400 if that is too much.
std::size_t evaluators_memory(const EvaluationRequest& request, const Model& model,
                              std::size_t items) {
  const std::size_t bytes =
      RankingEvaluator::memory(items, static_cast<std::size_t>(model.factors), request.threads) +
      items * (sizeof(float) + sizeof(double)) +
      (request.history ? FoldedUsers::memory(model, kBatchUsers) : 0);
  check_memory_limit(
      "evaluating", bytes, kOrElse,
      format("Beside the factors, for %zu items, with threads => %d.", items, request.threads));
  return bytes;
}

}  // namespace

Evaluation::Evaluation(const EvaluationRequest& request, ServedModel& served, Progress& progress,
                       std::size_t held)
    : request_(request),
      served_(served),
      model_(served.model()),
      items_(served.side(Side::kItems)),
      progress_(progress),
      team_(interruptible_team(request.threads)),
      held_(held + evaluators_memory(request, model_, items_.size())),
      popularity_(popularity_of(model_, items_)),
      users_(&served.id_type(Side::kUsers)),
      ranking_(BiasedView(items_.rows(), items_.bias()), popularity_.data(), request.cutoffs,
               team_) {}

std::size_t Evaluation::results_memory(std::size_t users) const {
  return users *
         (sizeof(UserResult) + 2 * request_.cutoffs.size() * sizeof(RankingMetrics::AtCutoff));
}

void Evaluation::check_memory(std::size_t more) const {
  check_memory_limit("evaluating", held_ + more, kOrElse,
                     format("Beside the factors, for %zu users and %zu items, with threads => %d.",
                            users_.size(), items_.size(), request_.threads));
}

RatingSource EvaluationRequest::source(const std::string& text, const Model& of,
                                       bool has_rating) const {
  RatingSource named = parse_source(text);
  named.user_col = user_col.value_or(of.source.user_col);
  named.item_col = item_col.value_or(of.source.item_col);
  if (has_rating) named.rating_col = rating_col ? rating_col : of.source.rating_col;
  return named;
}

CompressedRows Evaluation::read(const RatingSource& source, const char* argument,
                                UnknownIds unknown_ids) {
  const auto on_block = [&](const RatingReader& reader) {
    check_memory(UserRowsReader::memory(reader));
    progress_.rows_read(reader.rows());
  };
  CompressedRows rows =
      UserRowsReader(items_, users_, team_).read(source, argument, unknown_ids, on_block);
  held_ += bytes_of(rows);
  return rows;
}

void Evaluation::read_sources() {
  std::optional<RatingScale> scale;
  if (request_.clip) scale = model_.rating_scale();
  progress_.enter(Phase::kReading);
  test_ = read(request_.source(request_.test, model_), "test", UnknownIds::kKeep);
  held_ += users_.bytes() + users_.size() * sizeof(KnownUser);
  if (request_.history) {
    RatingSource history = request_.source(*request_.history, model_);
    history.time_col = model_.source.time_col;
    history.weight_col = model_.source.weight_col;
    history.is_implicit = model_.source.is_implicit;
    history_ = read(history, "history", UnknownIds::kDrop);
    merge_history();
  }
  if (request_.candidates)
    candidates_ =
        read(request_.source(*request_.candidates, model_, false), "candidates", UnknownIds::kDrop);
  if (request_.exclude_seen && !request_.cutoffs.empty()) read_seen();
  if (model_.feedback == Feedback::kExplicit) {
    // Those of a source that is read for what is seen anyway come of that.
    if (reads_what_is_seen() && rows_count_alike(model_.source))
      item_means_.emplace(items_.size(), model_.mean);
    else
      item_means_ = item_means(served_);
    if (!item_means_) no_means_.assign(items_.size(), model_.mean);
    prediction_.emplace(BiasedView(items_.rows(), items_.bias()),
                        item_means_ ? *item_means_ : no_means_, model_.mean, team_);
    if (scale) prediction_->clip(scale->lowest, scale->highest);
  }
}

void Evaluation::read_seen() {
  if (request_.seen) {
    seen_ = read(request_.source(*request_.seen, model_, false), "seen", UnknownIds::kDrop);
  } else if (!model_.seen.is_none()) {
    seen_ = read(trusted_seen(model_), "seen", UnknownIds::kDrop);
  }
}

/// As in training.
void Evaluation::merge_history() {
  try {
    merge_duplicates(*history_, model_.on_duplicate, team_);
  } catch (const DuplicateRating& duplicate) {
    throw_duplicate_rating(
        users_.type(), users_.id(duplicate.user), items_.type(), items_.ids().id(duplicate.item),
        " in history",
        format("Model %s was trained with on_duplicate => 'error': give each item once.",
               model_.name.c_str()));
  }
}

void Evaluation::find_known_users() {
  std::vector<std::uint32_t> rank(users_.size());
  server([&] { users_.rank(rank.data()); });
  std::vector<std::uint32_t> order(users_.size());
  for (std::uint32_t row = 0; row < rank.size(); ++row) order[rank[row]] = row;

  if (history_) {
    for (const std::uint32_t row : order)
      if (history_->row_size(row) > 0) known_.push_back({row, 0});
    folded_.emplace(served_, users_, *history_, team_);
    return;
  }
  const IdIndex& ids = served_.side(Side::kUsers).ids();
  std::vector<std::uint32_t> numbers(users_.size());
  server([&] {
    for (std::uint32_t row = 0; row < numbers.size(); ++row)
      numbers[row] = ids.find(users_.id(row));
  });
  for (const std::uint32_t row : order)
    if (numbers[row] != IdIndex::kMissing) known_.push_back({row, numbers[row]});
  // Which the order of ids gives already, unless it depends on a collation that has changed.
  std::sort(known_.begin(), known_.end(),
            [](const KnownUser& a, const KnownUser& b) { return a.model < b.model; });
}

bool Evaluation::has_relevant(std::uint32_t row) const {
  return std::any_of(
      test_.values.begin() + test_.offsets[row], test_.values.begin() + test_.offsets[row + 1],
      [&](float rating) { return is_relevant(model_, request_.min_rating, rating); });
}

std::vector<std::size_t> Evaluation::activities() const {
  std::vector<std::size_t> activities(users_.size());
  const std::int32_t* of_model = history_ ? nullptr : served_.side(Side::kUsers).n_ratings();
  for (const KnownUser& user : known_)
    activities[user.row] = history_ ? history_->row_size(user.row)
                                    : static_cast<std::size_t>(std::max(of_model[user.model], 0));
  return activities;
}

void Evaluation::count_test(const std::function<std::size_t(std::uint32_t user)>& group_of,
                            std::vector<EvaluationSums>& groups) const {
  for (std::uint32_t row = 0; row < users_.size(); ++row) {
    if (group_of(row) >= groups.size()) continue;
    EvaluationSums& group = groups[group_of(row)];
    group.rows += test_.row_size(row);
    group.users += has_relevant(row) ? 1 : 0;
  }
  for (const KnownUser& user : known_)
    if (group_of(user.row) < groups.size())
      groups[group_of(user.row)].predictable += known_items(user.row);
}

/// The entries of a test row for items that the model knows, which stand first.
std::size_t Evaluation::known_items(std::uint32_t row) const {
  const std::uint32_t* begin = test_.columns.data() + test_.offsets[row];
  const std::uint32_t* end = test_.columns.data() + test_.offsets[row + 1];
  return static_cast<std::size_t>(
      std::lower_bound(begin, end, static_cast<std::uint32_t>(items_.size())) - begin);
}

void Evaluation::add_relevant(std::uint32_t row, std::vector<std::uint32_t>& items) const {
  const std::uint64_t begin = test_.offsets[row];
  for (std::uint64_t e = begin; e < begin + known_items(row); ++e) {
    const std::uint32_t item = test_.columns[e];
    if (is_relevant(model_, request_.min_rating, test_.values[e]) &&
        (items.empty() || items.back() != item))
      items.push_back(item);
  }
}

void Evaluation::add_excluded(const KnownUser& user, const SeenLists* seen,
                              std::vector<std::uint32_t>& items) const {
  if (seen != nullptr)
    seen->for_each(user.model, [&](std::uint32_t item) { items.push_back(item); });
  if (history_ && request_.exclude_seen)
    items.insert(items.end(), history_->columns.begin() + history_->offsets[user.row],
                 history_->columns.begin() + history_->offsets[user.row + 1]);
  // What is in the test has been seen later than what is to be foretold, wherever else it is.
  if (seen_) {
    const auto begin = test_.columns.begin() + test_.offsets[user.row];
    const auto end = test_.columns.begin() + test_.offsets[user.row + 1];
    std::copy_if(seen_->columns.begin() + seen_->offsets[user.row],
                 seen_->columns.begin() + seen_->offsets[user.row + 1], std::back_inserter(items),
                 [&](std::uint32_t item) { return !std::binary_search(begin, end, item); });
  }
  std::sort(items.begin(), items.end());
  items.erase(std::unique(items.begin(), items.end()), items.end());
}

/// Known users [first, first + n), and what scores them: the model's rows, or what is folded in.
class Evaluation::Batch {
 public:
  Batch(Evaluation& evaluation, std::size_t first, std::size_t n)
      : model_(evaluation.model_), users_(evaluation.known_.data() + first), n_(n) {
    if (!evaluation.folded_) {
      side_ = &evaluation.served_.side(Side::kUsers);
      return;
    }
    std::vector<std::uint32_t> rows(n);
    for (std::size_t u = 0; u < n; ++u) rows[u] = users_[u].row;
    folded_ = evaluation.folded_->fold_in(rows.data(), n);
  }

  std::size_t size() const { return n_; }
  const KnownUser& user(std::size_t u) const { return users_[u]; }

  const float* vector(std::size_t u) const {
    return side_ == nullptr ? folded_.matrix.row(u) : side_->rows().row(users_[u].model);
  }

  /// What is added to each of the user's scores.
  float base(std::size_t u) const {
    if (side_ != nullptr) return base_score(model_, side_->bias()[users_[u].model]);
    return base_score(model_, folded_.bias_of(u));
  }

 private:
  const Model& model_;
  const KnownUser* users_;
  std::size_t n_;
  const LoadedFactors* side_ = nullptr;
  Factors folded_;
};

/// results: of each user of the batch, or empty where nobody asks.
void Evaluation::add_predictions(const Batch& batch, std::vector<UserResult>& results) {
  const auto describe = [&](std::size_t u) {
    const std::uint32_t row = batch.user(u).row;
    const std::uint64_t begin = test_.offsets[row];
    return PredictionEvaluator::User{
        batch.vector(u),
        batch.base(u),
        {test_.columns.data() + begin, test_.values.data() + begin, known_items(row)}};
  };
  prediction_->add(batch.size(), describe, [&](std::size_t u, const PredictionSums& sums) {
    if (!results.empty()) results[u].errors = sums;
  });
}

void Evaluation::add_rankings(const Batch& batch, const SeenLists* seen,
                              std::vector<UserResult>& results) {
  std::atomic<std::size_t> relevant{0};
  std::atomic<std::size_t> left_out{0};
  const auto describe = [&](std::size_t u, RankedUser& ranked) {
    const std::uint32_t row = batch.user(u).row;
    add_relevant(row, ranked.relevant);
    if (ranked.relevant.empty()) return;
    ranked.vector = batch.vector(u);
    ranked.base = batch.base(u);
    add_excluded(batch.user(u), seen, ranked.excluded);
    relevant += ranked.relevant.size();
    for (const std::uint32_t item : ranked.excluded)
      left_out += std::binary_search(ranked.relevant.begin(), ranked.relevant.end(), item);
    if (!candidates_) return;
    const auto& columns = candidates_->columns;
    ranked.all_items = false;
    std::unique_copy(columns.begin() + candidates_->offsets[row],
                     columns.begin() + candidates_->offsets[row + 1],
                     std::back_inserter(ranked.candidates));
  };
  ranking_.add(batch.size(), describe, [&](std::size_t u, const RankedResult& result) {
    if (results.empty()) return;
    results[u].ranking = result.model;
    results[u].popular = result.popular;
  });
  relevant_ += relevant;
  left_out_ += left_out;
}

/// Evaluates known users [begin, end).
void Evaluation::evaluate(std::size_t begin, std::size_t end, const SeenLists* seen,
                          const OnUsers& on_users) {
  progress_.enter(Phase::kScoring);
  for (std::size_t first = begin; first < end; first += kBatchUsers) {
    const Batch batch(*this, first, std::min(kBatchUsers, end - first));
    std::vector<UserResult> results(on_users ? batch.size() : 0);
    for (std::size_t u = 0; u < results.size(); ++u) results[u].user = batch.user(u).row;
    if (prediction_) add_predictions(batch, results);
    if (!request_.cutoffs.empty()) add_rankings(batch, seen, results);
    if (on_users) on_users(results);
    progress_.steps_done(
        static_cast<std::int64_t>((first + batch.size() + kBatchUsers - 1) / kBatchUsers));
  }
}

/// Whether the model's source says what users have seen.
bool Evaluation::reads_what_is_seen() const {
  return !history_ && request_.exclude_seen && !request_.cutoffs.empty() &&
         !(seen_ && model_.source.is_none());
}

void Evaluation::evaluate_all(const OnUsers& on_users) {
  progress_.expect(static_cast<std::int64_t>((known_.size() + kBatchUsers - 1) / kBatchUsers));
  if (!reads_what_is_seen()) {
    evaluate(0, known_.size(), nullptr, on_users);
    return;
  }
  const LoadedFactors& users = served_.side(Side::kUsers);
  constexpr std::size_t kSumBytes = sizeof(double) + sizeof(std::int64_t);
  check_memory(SeenLists::min_memory(users.size(), items_.size()) + kSumBytes * items_.size());
  SeenReader reader(users, items_);
  OwnedMemoryContext context("als source of an evaluation");
  RatingSums ratings(item_means_ && rows_count_alike(model_.source) ? items_.size() : 0);
  std::optional<DescribedSource> source;
  if (ratings.sums.empty()) {
    reader.add_source(trusted_source(model_));
  } else {
    source = describe_source(trusted_source(model_), context.get());
    reader.add_source(*source, ratings);
  }
  SeenLists seen(users.size(), items_.size(), max_memory() - held_,
                 [] { server([] { CHECK_FOR_INTERRUPTS(); }); });
  for (std::size_t begin = 0; begin < known_.size();) {
    seen.restart(known_[begin].model);
    progress_.enter(Phase::kReading);
    reader.read(seen, [&] { progress_.rows_read(reader.rows()); });
    if (begin == 0 && source) *item_means_ = item_means(model_, ratings);
    std::size_t end = begin;
    while (end < known_.size() && known_[end].model < seen.end()) ++end;
    evaluate(begin, end, &seen, on_users);
    begin = end;
  }
}

std::vector<Measurement> Evaluation::measurements() const {
  std::vector<Measurement> result;
  std::size_t predictable = 0;
  for (const KnownUser& user : known_) predictable += known_items(user.row);
  result.push_back(share_of("coverage", predictable, test_.columns.size()));
  if (prediction_) add_prediction_errors(prediction_->sums(), item_means_.has_value(), result);
  if (request_.cutoffs.empty()) return result;

  std::size_t users = 0;  // with relevant items
  for (std::uint32_t row = 0; row < users_.size(); ++row) users += has_relevant(row) ? 1 : 0;
  const RankingMetrics model = ranking_.model();
  result.push_back(share_of("user_coverage", model.users, users));
  add_ranking_metrics(model, ranking_.popular(), request_.cutoffs, items_.size(), result);
  return result;
}

std::vector<Measurement> Evaluation::run(const OnUsers& on_users) {
  read_sources();
  find_known_users();
  evaluate_all(on_users);
  report_left_out(left_out_, relevant_);
  if (users_.size() > 0 && looks_for_trained_rows(request_, model_))
    tell_of_trained_rows(served_, tested_most(users_, test_));
  return measurements();
}

}  // namespace als::pg
