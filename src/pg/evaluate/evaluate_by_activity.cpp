// als.evaluate_by_activity: the metrics of als.evaluate by how much the training knew of the users.
//
//   Evaluation -> a result for each user -> EvaluationSums of the users with about as many ratings

#include "pg/evaluate/evaluation_arguments.h"
#include "pg/evaluate/relevance.h"
#include "pg/evaluate/spread_evaluation.h"
#include "pg/server/args.h"
#include "pg/sql/integers.h"
#include "pg/sql/result_rows.h"

namespace als::pg {

namespace {

/// The least number of ratings in each group, ascending.
std::vector<std::size_t> activity_arg(const NamedArgs& args) {
  std::vector<std::size_t> least;
  for (const std::int64_t bound : integers_arg(args.fcinfo(), args["activity"], "activity")) {
    const bool ascends = least.empty() || bound > static_cast<std::int64_t>(least.back());
    if (bound < 0 || bound > PG_INT32_MAX || !ascends)
      throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                      format("invalid activity: %s%s", std::to_string(bound).c_str(),
                             ascends ? "" : (" after " + std::to_string(least.back())).c_str()),
                      "Give the least number of ratings in each group, ascending, as in "
                      "'{0,1,4,11,31,101}'.");
    least.push_back(static_cast<std::size_t>(bound));
  }
  if (least.size() > kMaxGroups)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    format("activity holds %zu numbers", least.size()),
                    format("It may hold %zu.", kMaxGroups));
  if (least.empty())
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "activity is empty",
                    "Give the least number of ratings in each group, as in '{0,1,4,11,31,101}'.");
  return least;
}

using GroupMeasurements = std::vector<std::vector<Measurement>>;

void put_groups(ResultRows& result, const std::vector<std::size_t>& least,
                const GroupMeasurements& groups) {
  for (std::size_t g = 0; g < groups.size(); ++g) {
    const bool is_last = g + 1 == groups.size();
    server([&] {
      for (const Measurement& row : groups[g]) {
        const bool nulls[7] = {false, is_last, false, !row.k, !row.value, !row.baseline, false};
        const Datum values[7] = {Int32GetDatum(static_cast<int32>(least[g])),
                                 Int32GetDatum(is_last ? 0 : static_cast<int32>(least[g + 1] - 1)),
                                 CStringGetTextDatum(row.metric),
                                 Int32GetDatum(static_cast<int32>(row.k.value_or(0))),
                                 Float8GetDatum(row.value.value_or(0)),
                                 Float8GetDatum(row.baseline.value_or(0)),
                                 Int64GetDatum(row.n)};
        result.put(values, nulls);
      }
    });
  }
}

GroupMeasurements evaluate_groups(SpreadEvaluation& spread, const std::vector<std::size_t>& least) {
  spread.run(least, {});
  GroupMeasurements groups;
  for (std::size_t g = 0; g < least.size(); ++g) groups.push_back(spread.group_measurements(g));
  return groups;
}

GroupMeasurements evaluate_groups(const EvaluationRequest& request, ServedModel& served,
                                  Progress& progress, const std::vector<std::size_t>& least) {
  Evaluation evaluation(request, served, progress);
  std::vector<EvaluationSums> groups(least.size(), EvaluationSums(request.cutoffs.size()));
  std::vector<std::size_t> activities;
  const auto group = [&](std::uint32_t user) { return group_of(activities[user], least); };
  evaluation.run([&](const std::vector<UserResult>& users) {
    if (activities.empty()) activities = evaluation.activities();
    for (const UserResult& user : users)
      if (group(user.user) < groups.size()) add_user(user, groups[group(user.user)]);
  });
  if (activities.empty()) activities = evaluation.activities();  // nobody is known
  evaluation.count_test(group, groups);
  GroupMeasurements measured;
  for (const EvaluationSums& sums : groups) measured.push_back(evaluation.group_measurements(sums));
  return measured;
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_evaluate_by_activity)

/// als.evaluate_by_activity(model regclass, test text, ...): rows, see sql/als--1.1.sql
Datum als_evaluate_by_activity(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    ResultRows result(fcinfo);
    const NamedArgs args(fcinfo);
    const EvaluationRequest request = evaluation_request(args, "model");
    const std::vector<std::size_t> least = activity_arg(args);
    SpiConnection spi;
    Progress progress(Command::kEvaluate, request.model);
    std::shared_ptr<ServedModel> served = serve_model(request.model);
    SpreadEvaluation spread(request, *served, progress);
    const GroupMeasurements groups = spread.is_possible()
                                         ? evaluate_groups(spread, least)
                                         : evaluate_groups(request, *served, progress, least);
    progress.hide();
    put_groups(result, least, groups);
    spi.finish();
    return static_cast<Datum>(0);
  });
}
