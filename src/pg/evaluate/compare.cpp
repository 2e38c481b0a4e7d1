// als.compare: two models by the same test, with the interval of confidence of their difference.
//
//   Evaluation of a -> a result for each user --.
//   Evaluation of b -> a result for each user ---+-> PairedUsers -> PairedDifference of each metric

#include <limits>

#include "core/evaluate/paired_difference.h"
#include "pg/evaluate/evaluation_arguments.h"
#include "pg/evaluate/flat_bytes.h"
#include "pg/evaluate/spread_evaluation.h"
#include "pg/ids/id_equality.h"
#include "pg/spread/table_beside_users.h"
#include "pg/sql/result_rows.h"

namespace als::pg {

namespace {

/// What is known of the users that both models have been measured by.
class PairedUsers {
 public:
  void add(const UserResult& a, const UserResult& b, const std::vector<Measurement>& of_a,
           const std::vector<Measurement>& of_b) {
    if (values_.empty()) values_.resize(of_a.size());
    for (std::size_t m = 0; m < of_a.size(); ++m) {
      if (!of_a[m].value || !of_b[m].value) continue;
      values_[m].a.push_back(*of_a[m].value);
      values_[m].b.push_back(*of_b[m].value);
    }
    const PredictionError& of_model_a = a.errors.model;
    const PredictionError& of_model_b = b.errors.model;
    if (of_model_a.n() == 0 || of_model_b.n() == 0) return;
    squares_.add(of_model_a.squares(), of_model_a.n(), of_model_b.squares(), of_model_b.n());
    absolutes_.add(of_model_a.absolutes(), of_model_a.n(), of_model_b.absolutes(), of_model_b.n());
  }

  /// The difference in metric m, if any user has it.
  std::optional<PairedDifference> difference(std::size_t m, const std::string& metric,
                                             double confidence) const {
    if (m >= values_.size() || values_[m].a.empty()) return std::nullopt;
    if (metric == "rmse") return difference_of_errors(squares_.a, squares_.b, true, confidence);
    if (metric == "mae") return difference_of_errors(absolutes_.a, absolutes_.b, false, confidence);
    return difference_of_means(values_[m].a, values_[m].b, confidence);
  }

 private:
  struct Values {
    std::vector<double> a;
    std::vector<double> b;
  };
  struct Errors {
    std::vector<UserErrors> a;
    std::vector<UserErrors> b;
    void add(double sum_of_a, std::size_t n_of_a, double sum_of_b, std::size_t n_of_b) {
      a.push_back({sum_of_a, static_cast<double>(n_of_a)});
      b.push_back({sum_of_b, static_cast<double>(n_of_b)});
    }
  };

  std::vector<Values> values_;  // for each metric
  Errors squares_;
  Errors absolutes_;
};

/// What is relevant must be the same for both: as it is for a, where nobody says.
void agree_on_relevance(const Model& a, EvaluationRequest& of_a, EvaluationRequest& of_b) {
  if (of_a.min_rating) return;
  of_a.min_rating = of_b.min_rating =
      a.feedback == Feedback::kExplicit ? a.mean : double{std::numeric_limits<float>::denorm_min()};
}

void check_comparable(const Model& a, const IdType& of_a, const Model& b, const IdType& of_b) {
  if (of_a.collated() == of_b.collated()) return;
  throw UserError(ERRCODE_DATATYPE_MISMATCH,
                  format("user ids of model %s are %s, those of model %s %s", a.name.c_str(),
                         server([&] { return type_name(of_a.collated()); }), b.name.c_str(),
                         server([&] { return type_name(of_b.collated()); })),
                  "Models are compared user by user, so their user ids must have one type.");
}

struct Comparison {
  std::vector<Measurement> metrics;  ///< of the first user: what is measured
  PairedUsers users;
};

/// Two results of a user.
void add_pair(const UserResult& a, const UserResult& b, bool errors,
              const std::vector<std::uint32_t>& cutoffs, Comparison& comparison) {
  std::vector<Measurement> metrics = user_measurements(a, errors, false, cutoffs);
  comparison.users.add(a, b, metrics, user_measurements(b, errors, false, cutoffs));
  comparison.metrics = std::move(metrics);
}

/// One model after the other, here.
void compare_here(const EvaluationRequest& of_a, ServedModel& a, const EvaluationRequest& of_b,
                  ServedModel& b, bool errors, Comparison& comparison) {
  Progress progress(Command::kEvaluate, of_a.model);
  Evaluation first(of_a, a, progress);
  std::vector<std::optional<UserResult>> results;  // by the number of the user
  first.run([&](const std::vector<UserResult>& users) {
    results.resize(first.users().size());
    for (const UserResult& user : users) results[user.user] = user;
  });

  Progress progress_of_b(Command::kEvaluate, of_b.model);
  Evaluation second(of_b, b, progress_of_b, first.held() + first.results_memory(results.size()));
  second.run([&](const std::vector<UserResult>& users) {
    for (const UserResult& user : users) {
      const std::uint32_t index =
          server([&] { return first.users().find(second.users().id(user.user)); });
      if (index < results.size() && results[index])
        add_pair(*results[index], user, errors, of_a.cutoffs, comparison);
    }
  });
  progress_of_b.hide();
}

/// The same where a cluster has the users of both models together: what comes here are two results
/// of each. False where it has not.
bool compare_on_nodes(const EvaluationRequest& of_a, ServedModel& a, const EvaluationRequest& of_b,
                      ServedModel& b, bool errors, Comparison& comparison) {
  Progress progress(Command::kEvaluate, of_a.model);
  SpreadEvaluation first(of_a, a, progress);
  SpreadEvaluation second(of_b, b, progress);
  if (!first.is_possible() || !second.is_possible() ||
      !are_colocated(a.model().factor_tables.users.named, b.model().factor_tables.users.named))
    return false;
  const std::string results = first.keep_results();
  const std::string others = second.keep_results();
  const std::string same =
      server([&] { return equals_condition(a.id_type(Side::kUsers), "user_of_a", "user_of_b"); });
  for_each_current_row(
      "select result_of_a, result_of_b from (select user_id as user_of_a, result as result_of_a "
      "from " +
          results + ") a join (select user_id as user_of_b, result as result_of_b from " + others +
          ") b on " + same,
      {BYTEAOID, BYTEAOID}, [&](TupleTableSlot* slot) {
        const MeasuredUser one = measured_user(slot->tts_values[0]);
        const MeasuredUser other = measured_user(slot->tts_values[1]);
        if (one.known != 0 && other.known != 0)
          add_pair(result_of(one), result_of(other), errors, of_a.cutoffs, comparison);
      });
  execute("drop table " + results + ", " + others);
  progress.hide();
  return true;
}

Comparison compare(EvaluationRequest of_a, EvaluationRequest of_b) {
  std::shared_ptr<ServedModel> a = serve_model(of_a.model);
  std::shared_ptr<ServedModel> b = serve_model(of_b.model);
  check_comparable(a->model(), a->id_type(Side::kUsers), b->model(), b->id_type(Side::kUsers));
  agree_on_relevance(a->model(), of_a, of_b);
  const bool errors =
      a->model().feedback == Feedback::kExplicit && b->model().feedback == Feedback::kExplicit;

  Comparison comparison;
  if (!compare_on_nodes(of_a, *a, of_b, *b, errors, comparison))
    compare_here(of_a, *a, of_b, *b, errors, comparison);
  if (comparison.metrics.empty())
    throw UserError(ERRCODE_NO_DATA_FOUND, "no user of the test is known to both models",
                    "Models are compared by the users that both can rank items for.");
  return comparison;
}

/// The model that is better, if the interval leaves no doubt.
Oid better_model(const Measurement& metric, const PairedDifference& difference, Oid a, Oid b) {
  const bool less_is_better =
      std::strcmp(metric.metric, "rmse") == 0 || std::strcmp(metric.metric, "mae") == 0;
  if (difference.low > 0) return less_is_better ? a : b;
  if (difference.high < 0) return less_is_better ? b : a;
  return InvalidOid;
}

void put_differences(ResultRows& result, const Comparison& comparison, double confidence, Oid a,
                     Oid b) {
  for (std::size_t m = 0; m < comparison.metrics.size(); ++m) {
    const Measurement& metric = comparison.metrics[m];
    const auto found = comparison.users.difference(m, metric.metric, confidence);
    const PairedDifference difference = found.value_or(PairedDifference{});
    const bool interval = difference.users > 1;
    const Oid better = interval ? better_model(metric, difference, a, b) : InvalidOid;
    server([&] {
      const bool nulls[9] = {false,     !metric.k,           !found, !found, !found, !interval,
                             !interval, !OidIsValid(better), false};
      const Datum values[9] = {CStringGetTextDatum(metric.metric),
                               Int32GetDatum(static_cast<int32>(metric.k.value_or(0))),
                               Float8GetDatum(difference.a),
                               Float8GetDatum(difference.b),
                               Float8GetDatum(difference.difference),
                               Float8GetDatum(difference.low),
                               Float8GetDatum(difference.high),
                               ObjectIdGetDatum(better),
                               Int64GetDatum(static_cast<int64>(difference.users))};
      result.put(values, nulls);
    });
  }
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_compare)

/// als.compare(model_a regclass, model_b regclass, test text, ...): rows, see sql/als--1.1.sql
Datum als_compare(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    ResultRows result(fcinfo);
    const NamedArgs args(fcinfo);
    const EvaluationRequest of_a = evaluation_request(args, "model_a");
    const EvaluationRequest of_b = evaluation_request(args, "model_b");
    const double confidence = float_arg(fcinfo, args["confidence"], "confidence", 0.01, 0.9999);
    SpiConnection spi;
    const Comparison comparison = compare(of_a, of_b);
    put_differences(result, comparison, confidence, of_a.model, of_b.model);
    spi.finish();
    return static_cast<Datum>(0);
  });
}
