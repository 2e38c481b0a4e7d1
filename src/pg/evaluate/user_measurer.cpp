// Sets up what all users of a query have in common, and hands them to the evaluators.
#include "pg/evaluate/user_measurer.h"

#include "pg/evaluate/relevance.h"
#include "pg/server/args.h"
#include "pg/server/interrupts.h"
#include "pg/server/memory_limit.h"
#include "pg/sql/bytea_value.h"
#include "pg/sql/integers.h"

namespace als::pg {

namespace {

std::size_t held_by_evaluations = 0;

std::size_t memory_of(const LoadedFactors& items, const Model& model) {
  return RankingEvaluator::memory(items.size(), static_cast<std::size_t>(model.factors), 1) +
         items.size() * (sizeof(float) + sizeof(double));
}

}  // namespace

EvaluationMemory::EvaluationMemory(std::size_t bytes, std::size_t items) : bytes_(bytes) {
  check_memory_limit("evaluating", held_by_evaluations + bytes,
                     ", or use fewer items or fewer groups.",
                     format("Beside the factors, for %zu items.", items));
  held_by_evaluations += bytes;
}

EvaluationMemory::~EvaluationMemory() { held_by_evaluations -= bytes_; }

Measure measure_args(FunctionCallInfo fcinfo, int first) {
  const int lowest = first + 1;
  const int highest = first + 2;
  const int activity = first + 3;
  Measure measure;
  for (const std::int64_t k : integers_arg(fcinfo, first, "cutoffs")) {
    if (k < 1 || k > PG_INT32_MAX || measure.cutoffs.size() == kMaxCutoffs)
      throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "invalid cutoffs",
                      format("There may be %zu, each at least 1.", kMaxCutoffs));
    measure.cutoffs.push_back(static_cast<std::uint32_t>(k));
  }
  if (!PG_ARGISNULL(lowest) && !PG_ARGISNULL(highest)) {
    measure.scale = {PG_GETARG_FLOAT4(lowest), PG_GETARG_FLOAT4(highest)};
    if (!(measure.scale->first <= measure.scale->second))
      throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "lowest is above highest",
                      "Give the scale of the ratings.");
  }
  if (PG_ARGISNULL(activity)) return measure;
  for (const std::int64_t least : integers_arg(fcinfo, activity, "activity"))
    measure.activity.push_back(static_cast<std::size_t>(std::max<std::int64_t>(least, 0)));
  if (measure.activity.size() > kMaxGroups)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "invalid activity",
                    format("It may hold %zu.", kMaxGroups));
  std::sort(measure.activity.begin(), measure.activity.end());
  return measure;
}

UserMeasurer::UserMeasurer(std::shared_ptr<ServedModel> served, Measure measure)
    : served_(std::move(served)),
      measure_(std::move(measure)),
      model_(served_->model()),
      items_(served_->side(Side::kItems)),
      memory_(memory_of(items_, model_), items_.size()),
      team_(interruptible_team(1)),
      popularity_(popularity_of(model_, items_)),
      means_(model_.feedback == Feedback::kExplicit ? items_.size() : 0, model_.mean),
      ranking_(BiasedView(items_.rows(), items_.bias()), popularity_.data(), measure_.cutoffs,
               team_) {
  if (model_.feedback != Feedback::kExplicit) return;
  prediction_.emplace(BiasedView(items_.rows(), items_.bias()), means_, model_.mean, team_);
  if (measure_.scale) prediction_->clip(measure_.scale->first, measure_.scale->second);
}

FlatEvaluation::Shape UserMeasurer::shape() const {
  return FlatEvaluation::shape_of(start(TestedUser()));
}

TestedUser UserMeasurer::tested_arg(FunctionCallInfo fcinfo, int index) const {
  auto user = TestedUser::of_bytes(view_of_bytea(PG_GETARG_DATUM(index)), items_.size(),
                                   static_cast<std::size_t>(model_.factors));
  if (!user)
    throw UserError(ERRCODE_INVALID_BINARY_REPRESENTATION,
                    format("these bytes are no user of a test of model %s", model_.name.c_str()),
                    "They come from als._tested_user for this model, of the same version and on a "
                    "machine of the same kind.");
  return std::move(*user);
}

/// What is known before anything is scored.
MeasuredUser UserMeasurer::start(const TestedUser& user) const {
  MeasuredUser measured(measure_.cutoffs);
  const bool by_activity = !measure_.activity.empty();
  measured.groups = by_activity ? static_cast<std::uint32_t>(measure_.activity.size()) : 1;
  measured.items = by_activity ? 0 : static_cast<std::uint32_t>(items_.size());
  measured.known = user.is_known;
  if (by_activity)
    measured.group = static_cast<std::uint32_t>(group_of(user.ratings_known, measure_.activity));
  measured.sums.rows = user.rows;
  measured.sums.users = user.is_relevant;
  if (user.is_known != 0) measured.sums.predictable = user.items.size();
  return measured;
}

std::vector<MeasuredUser> UserMeasurer::run(const std::vector<TestedUser>& users) {
  std::vector<MeasuredUser> measured;
  vectors_ = FactorMatrix(users.size(), static_cast<std::size_t>(model_.factors));
  for (std::size_t u = 0; u < users.size(); ++u) {
    measured.push_back(start(users[u]));
    std::copy(users[u].vector.begin(), users[u].vector.end(), vectors_.row(u));
  }
  if (prediction_) predict(users, measured);
  if (!measure_.cutoffs.empty()) rank(users, measured);
  return measured;
}

void UserMeasurer::predict(const std::vector<TestedUser>& users,
                           std::vector<MeasuredUser>& measured) {
  std::vector<std::size_t> known;
  for (std::size_t u = 0; u < users.size(); ++u) {
    if (users[u].is_known == 0) continue;
    known.push_back(u);
    for (std::size_t i = 0; i < users[u].means.size(); ++i)
      means_[users[u].items[i]] = users[u].means[i];
  }
  prediction_->add(
      known.size(),
      [&](std::size_t n) {
        const TestedUser& user = users[known[n]];
        return PredictionEvaluator::User{
            vectors_.row(known[n]),
            user.base,
            {user.items.data(), user.ratings.data(), user.items.size()}};
      },
      [&](std::size_t n, const PredictionSums& errors) {
        measured[known[n]].sums.errors = errors;
      });
}

void UserMeasurer::rank(const std::vector<TestedUser>& users, std::vector<MeasuredUser>& measured) {
  const auto describe = [&](std::size_t u, RankedUser& ranked) {
    const TestedUser& user = users[u];
    if (user.is_known == 0 || user.relevant.empty()) return;
    ranked = {vectors_.row(u), user.base,       user.relevant,
              user.excluded,   user.candidates, user.all_items != 0};
    std::sort(ranked.excluded.begin(), ranked.excluded.end());
    EvaluationSums& sums = measured[u].sums;
    sums.relevant = user.relevant.size();
    for (const std::uint32_t item : user.relevant)
      sums.left_out += contains(ranked.excluded, item) ? 1 : 0;
  };
  ranking_.add(users.size(), describe, [&](std::size_t u, const RankedResult& result) {
    measured[u].sums.ranking = result.model;
    measured[u].sums.popular = result.popular;
    if (measured[u].items == 0) return;
    measured[u].best = result.best;
    measured[u].most_popular = result.most_popular;
  });
}

}  // namespace als::pg
