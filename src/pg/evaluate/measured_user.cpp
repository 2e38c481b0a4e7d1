// als._measured_user: what an evaluation comes to for one user, for the statements by which the
// nodes of a cluster evaluate their own.
//
//   test, history, seen, candidates -> RankedUser, PredictionEvaluator::User -> MeasuredUser
//
// What all users have in common is made once a query: see UserMeasurer.

#include "core/base/limits.h"
#include "core/evaluate/ranking_evaluator.h"
#include "pg/evaluate/flat_bytes.h"
#include "pg/evaluate/relevance.h"
#include "pg/ids/id_args.h"
#include "pg/model/factor_table.h"
#include "pg/serve/fold_in_input.h"
#include "pg/server/args.h"
#include "pg/server/interrupts.h"
#include "pg/server/kept_object.h"
#include "pg/server/memory_limit.h"
#include "pg/sql/array_elements.h"
#include "pg/sql/bytea_value.h"
#include "pg/sql/integers.h"

namespace als::pg {

namespace {

namespace measured_arg {
enum Argument {
  kModel,
  kFactors,
  kBias,
  kRatingsKnown,
  kItems,
  kRatings,
  kMeans,
  kHistory,
  kHistoryRatings,
  kSeen,
  kMoreSeen,
  kCandidates,
  kCutoffs,
  kMinRating,
  kLowest,
  kHighest,
  kActivity
};
}  // namespace measured_arg

/// What of the call is the same for all users.
struct Measure {
  std::vector<std::uint32_t> cutoffs;
  std::optional<double> min_rating;
  std::optional<std::pair<float, float>> scale;
  std::vector<std::size_t> activity;  ///< empty: all are one group

  bool operator==(const Measure& other) const {
    return cutoffs == other.cutoffs && min_rating == other.min_rating && scale == other.scale &&
           activity == other.activity;
  }
};

Measure measure_of(FunctionCallInfo fcinfo) {
  Measure measure;
  for (const std::int64_t k : integers_arg(fcinfo, measured_arg::kCutoffs, "cutoffs")) {
    if (k < 1 || k > PG_INT32_MAX || measure.cutoffs.size() == kMaxCutoffs)
      throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "invalid cutoffs",
                      format("There may be %zu, each at least 1.", kMaxCutoffs));
    measure.cutoffs.push_back(static_cast<std::uint32_t>(k));
  }
  if (!PG_ARGISNULL(measured_arg::kMinRating))
    measure.min_rating = PG_GETARG_FLOAT8(measured_arg::kMinRating);
  if (!PG_ARGISNULL(measured_arg::kLowest) && !PG_ARGISNULL(measured_arg::kHighest)) {
    measure.scale = {PG_GETARG_FLOAT4(measured_arg::kLowest),
                     PG_GETARG_FLOAT4(measured_arg::kHighest)};
    if (!(measure.scale->first <= measure.scale->second))
      throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "lowest is above highest",
                      "Give the scale of the ratings.");
  }
  if (PG_ARGISNULL(measured_arg::kActivity)) return measure;
  for (const std::int64_t least : integers_arg(fcinfo, measured_arg::kActivity, "activity"))
    measure.activity.push_back(static_cast<std::size_t>(std::max<std::int64_t>(least, 0)));
  if (measure.activity.size() > kMaxGroups)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "invalid activity",
                    format("It may hold %zu.", kMaxGroups));
  std::sort(measure.activity.begin(), measure.activity.end());
  return measure;
}

/// The user of a call: what of the test is known, and what to score by.
struct TestedUser {
  std::vector<std::uint32_t> items;  ///< ascending; those that the model knows
  std::vector<float> ratings;
  std::vector<std::uint32_t> relevant;
  std::vector<std::uint32_t> excluded;
  std::vector<std::uint32_t> candidates;
  bool all_items = true;
  const float* vector = nullptr;
  float base = 0;
};

std::vector<std::uint32_t> known_items(FunctionCallInfo fcinfo, int index, const IdIndex& ids,
                                       const char* name) {
  if (PG_ARGISNULL(index)) return {};
  std::vector<std::uint32_t> items = id_array_arg(fcinfo, index, ids, name);
  items.erase(std::remove(items.begin(), items.end(), IdIndex::kMissing), items.end());
  return items;
}

/// What is made once for all users of a query.
class UserMeasurer {
 public:
  UserMeasurer(std::shared_ptr<ServedModel> served, Measure measure)
      : served_(std::move(served)),
        measure_(std::move(measure)),
        model_(served_->model()),
        items_(checked(served_->side(Side::kItems), model_)),
        team_(interruptible_team(1)),
        popularity_(popularity_of(model_, items_)),
        means_(model_.feedback == Feedback::kExplicit ? items_.size() : 0),
        vector_(1, static_cast<std::size_t>(model_.factors)),
        ranking_(BiasedView(items_.rows(), items_.bias()), popularity_.data(), measure_.cutoffs,
                 team_) {
    if (model_.feedback != Feedback::kExplicit) return;
    prediction_.emplace(BiasedView(items_.rows(), items_.bias()), means_, model_.mean, team_);
    if (measure_.scale) prediction_->clip(measure_.scale->first, measure_.scale->second);
  }

  bool is_for(const ServedModel* served, const Measure& measure) const {
    return served_.get() == served && measure_ == measure;
  }

  MeasuredUser run(FunctionCallInfo fcinfo) {
    MeasuredUser measured(measure_.cutoffs);
    const bool by_activity = !measure_.activity.empty();
    measured.groups = by_activity ? static_cast<std::uint32_t>(measure_.activity.size()) : 1;
    measured.items = by_activity ? 0 : static_cast<std::uint32_t>(items_.size());
    TestedUser user;
    read_test(fcinfo, user, measured.sums);
    std::size_t ratings_known = 0;
    measured.known = read_vector(fcinfo, user, ratings_known) ? 1 : 0;
    if (by_activity)
      measured.group = static_cast<std::uint32_t>(group_of(ratings_known, measure_.activity));
    if (measured.known == 0) return measured;
    measured.sums.predictable = user.items.size();
    if (prediction_) predict(user, measured.sums);
    if (!measure_.cutoffs.empty() && !user.relevant.empty()) {
      read_lists(fcinfo, user);
      rank(user, measured);
    }
    return measured;
  }

 private:
  static const LoadedFactors& checked(const LoadedFactors& items, const Model& model) {
    check_memory_limit(
        "evaluating",
        RankingEvaluator::memory(items.size(), static_cast<std::size_t>(model.factors), 1) +
            items.size() * (sizeof(float) + sizeof(double)),
        ", or use fewer items.", format("Beside the factors, for %zu items.", items.size()));
    return items;
  }

  static void check_as_many(int items, int others, const char* noun) {
    if (others == items) return;
    throw UserError(ERRCODE_ARRAY_SUBSCRIPT_ERROR,
                    format("items has %d elements, but %ss has %d", items, noun, others),
                    format("Give a %s for each item, in the same order.", noun));
  }

  /// The rows of the test.
  void read_test(FunctionCallInfo fcinfo, TestedUser& user, EvaluationSums& sums) {
    require_arg(fcinfo, measured_arg::kItems, "items");
    require_arg(fcinfo, measured_arg::kRatings, "ratings");
    const std::vector<std::uint32_t> items =
        id_array_arg(fcinfo, measured_arg::kItems, items_.ids(), "items");
    const ArrayElements ratings =
        server([&] { return array_elements(PG_GETARG_DATUM(measured_arg::kRatings)); });
    ArrayElements means;
    if (!PG_ARGISNULL(measured_arg::kMeans))
      means = server([&] { return array_elements(PG_GETARG_DATUM(measured_arg::kMeans)); });
    const auto n = static_cast<int>(items.size());
    check_as_many(n, ratings.n, "rating");
    if (!PG_ARGISNULL(measured_arg::kMeans)) check_as_many(n, means.n, "mean");
    std::vector<std::pair<std::uint32_t, float>> known;
    for (int e = 0; e < n; ++e) {
      const float rating =
          ratings.nulls[e] ? NAN : static_cast<float>(DatumGetFloat8(ratings.values[e]));
      if (!std::isfinite(rating))
        throw UserError(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
                        format("element %d of ratings is no finite number", e + 1),
                        "Correct the rating in the test, or leave its row out.");
      ++sums.rows;
      const bool relevant = is_relevant(model_, measure_.min_rating, rating);
      if (relevant) sums.users = 1;
      const std::uint32_t item = items[static_cast<std::size_t>(e)];
      if (item == IdIndex::kMissing) continue;
      known.emplace_back(item, rating);
      if (relevant) user.relevant.push_back(item);
      if (prediction_)
        means_[item] =
            means.n == 0 || means.nulls[e] ? model_.mean : DatumGetFloat8(means.values[e]);
    }
    std::sort(known.begin(), known.end());
    for (const auto& [item, rating] : known) {
      user.items.push_back(item);
      user.ratings.push_back(rating);
    }
    std::sort(user.relevant.begin(), user.relevant.end());
    user.relevant.erase(std::unique(user.relevant.begin(), user.relevant.end()),
                        user.relevant.end());
  }

  /// False for a user of whom there is nothing to score by.
  bool read_vector(FunctionCallInfo fcinfo, TestedUser& user, std::size_t& ratings_known) {
    float bias = 0;
    if (!PG_ARGISNULL(measured_arg::kHistory)) {
      const FoldInInput history(fcinfo, {measured_arg::kHistory, measured_arg::kHistoryRatings},
                                *served_);
      ratings_known = history.items().size();
      if (history.empty()) return false;
      const FoldedRow row = history.fold_in(*served_);
      std::copy_n(row.vector.data(), vector_.cols(), vector_.row(0));
      bias = row.bias;
    } else {
      if (PG_ARGISNULL(measured_arg::kFactors)) return false;
      const VectorView vector = model_vector(
          server([&] { return PointerGetDatum(PG_GETARG_ARRAYTYPE_P(measured_arg::kFactors)); }),
          model_, Side::kUsers);
      std::copy_n(vector.values, vector_.cols(), vector_.row(0));
      bias = model_bias(PG_GETARG_DATUM(measured_arg::kBias), PG_ARGISNULL(measured_arg::kBias),
                        model_, Side::kUsers);
      if (!PG_ARGISNULL(measured_arg::kRatingsKnown))
        ratings_known =
            static_cast<std::size_t>(std::max(PG_GETARG_INT32(measured_arg::kRatingsKnown), 0));
    }
    user.vector = vector_.row(0);
    user.base = base_score(model_, bias);
    return true;
  }

  /// What is not ranked, and what is.
  void read_lists(FunctionCallInfo fcinfo, TestedUser& user) {
    user.excluded = known_items(fcinfo, measured_arg::kSeen, items_.ids(), "seen");
    // What is in the test has been seen later than what is to be foretold, wherever else it is.
    for (const std::uint32_t item :
         known_items(fcinfo, measured_arg::kMoreSeen, items_.ids(), "more_seen"))
      if (!std::binary_search(user.items.begin(), user.items.end(), item))
        user.excluded.push_back(item);
    user.all_items = PG_ARGISNULL(measured_arg::kCandidates);
    user.candidates = known_items(fcinfo, measured_arg::kCandidates, items_.ids(), "candidates");
  }

  void predict(const TestedUser& user, EvaluationSums& sums) {
    prediction_->add(
        1,
        [&](std::size_t) {
          return PredictionEvaluator::User{
              user.vector, user.base, {user.items.data(), user.ratings.data(), user.items.size()}};
        },
        [&](std::size_t, const PredictionSums& errors) { sums.errors = errors; });
  }

  void rank(const TestedUser& user, MeasuredUser& measured) {
    std::vector<std::uint32_t> excluded = user.excluded;
    std::sort(excluded.begin(), excluded.end());
    measured.sums.relevant = user.relevant.size();
    for (const std::uint32_t item : user.relevant)
      measured.sums.left_out += std::binary_search(excluded.begin(), excluded.end(), item) ? 1 : 0;
    const auto describe = [&](std::size_t, RankedUser& ranked) {
      ranked = {user.vector,   user.base,       user.relevant,
                user.excluded, user.candidates, user.all_items};
    };
    ranking_.add(1, describe, [&](std::size_t, const RankedResult& result) {
      measured.sums.ranking = result.model;
      measured.sums.popular = result.popular;
      if (measured.items == 0) return;
      measured.best = result.best;
      measured.most_popular = result.most_popular;
    });
  }

  const std::shared_ptr<ServedModel> served_;
  const Measure measure_;
  const Model& model_;
  const LoadedFactors& items_;
  ThreadTeam team_;
  const std::vector<float> popularity_;
  std::vector<double> means_;  // of the items of the user at hand
  FactorMatrix vector_;
  RankingEvaluator ranking_;
  std::optional<PredictionEvaluator> prediction_;
};

struct KeptMeasurer {
  std::unique_ptr<UserMeasurer> measurer;
};

UserMeasurer& measurer_of(FunctionCallInfo fcinfo) {
  FmgrInfo* function = fcinfo->flinfo;
  if (function->fn_extra == nullptr) function->fn_extra = keep_in<KeptMeasurer>(function->fn_mcxt);
  std::unique_ptr<UserMeasurer>& measurer =
      static_cast<KeptMeasurer*>(function->fn_extra)->measurer;
  std::shared_ptr<ServedModel> served = serve_model(PG_GETARG_OID(measured_arg::kModel));
  Measure measure = measure_of(fcinfo);
  if (measurer == nullptr || !measurer->is_for(served.get(), measure)) {
    measurer.reset();
    measurer = std::make_unique<UserMeasurer>(std::move(served), std::move(measure));
  }
  return *measurer;
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_measured_user)

/// als._measured_user(model regclass, factors real[], bias real, n_ratings int, items, ratings
/// float8[], means float8[], history, history_ratings float8[], seen, more_seen, candidates,
/// cutoffs int[], min_rating float8, lowest real, highest real, activity int[]): bytea
Datum als_measured_user(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  if (PG_ARGISNULL(measured_arg::kModel) || PG_ARGISNULL(measured_arg::kItems)) PG_RETURN_NULL();
  return guard([&] {
    const std::string measured = measurer_of(fcinfo).run(fcinfo).bytes();
    return PointerGetDatum(bytea_of({measured}, kHintOnSize));
  });
}
