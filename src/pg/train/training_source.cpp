// Looks at the source of a training, and says what is to be said of it.
#include "pg/train/training_source.h"

#include "pg/ids/id_args.h"
#include "pg/model/previous_run.h"
#include "pg/server/settings.h"
#include "pg/source/read_cost.h"
#include "pg/train/forgotten_options.h"
#include "pg/train/train_arguments.h"

namespace als::pg {

namespace {

/// Before a training rather than after it.
void check_may_make_functions(const ModelWriter& model) {
  const Oid table = model.table();
  if (!OidIsValid(table) || server([&] { return owns_relation(table); })) return;
  throw UserError(
      ERRCODE_INSUFFICIENT_PRIVILEGE,
      format("must be owner of model %s to make its functions", model.qualified_name().c_str()),
      "Leave functions out, or train as the owner or a member of that role.");
}

}  // namespace

void advise(TrainReport& report, const std::string& advice) {
  if (advice.empty()) return;
  report.advice += (report.advice.empty() ? "" : "; ") + advice;
  server([&] { ereport(NOTICE, (errmsg("%s", advice.c_str()))); });
}

DescribedSource describe_training(const TrainRequest& request, ModelWriter& model,
                                  TrainReport& report, MemoryContext context) {
  if (request.keep_previous) PreviousRun(model).check_may_keep();
  if (request.functions) check_may_make_functions(model);
  report.warm_started = request.warm_start && OidIsValid(model.table());
  if (!request.is_retraining) report_forgotten_options(model.table(), request);
  DescribedSource source = describe_source(request.source, context);
  if (request.seen) check_seen(*request.seen, source.id_types, context);
  advise(report, advice_on_reading(source));
  return source;
}

void advise_on_tail(const RatingStatistics& statistics, TrainReport& report) {
  if (statistics.has_long_tail())
    advise(report,
           "some ratings are so much larger than the others that these have next to no weight: "
           "ln(1 + rating), in a query as the source, finds more as a rule");
}

void advise_on_ratings(const TrainRequest& request, TrainReport& report) {
  if (report.skipped > report.rows - report.skipped)
    advise(report,
           format("%lld of %lld rows are left out for a null user, item or rating%s",
                  static_cast<long long>(report.skipped), static_cast<long long>(report.rows),
                  request.source.weight_col ? ", or a weight of 0" : ""));
  const auto [lowest, highest] = report.range;
  if (request.options.feedback == Feedback::kImplicit) {
    if (!(highest > 0))
      advise(report,
             "no rating is above 0, and so none is a like, which is all that implicit "
             "feedback ranks by: feedback => 'explicit' predicts ratings");
  } else if (lowest == highest) {
    advise(report, format("every rating is %g, from which explicit feedback learns nothing: "
                          "feedback => 'implicit' is for clicks, orders and the like",
                          static_cast<double>(lowest)));
  }
}

void tell_iteration(const TrainRequest& request, const TrainReport& report, double seconds) {
  int level = verbose() ? NOTICE : DEBUG1;
  std::string holdout =
      report.holdout.empty() ? "" : format(", held out %.6g", report.holdout.back());
  server([&] {
    ereport(level, (errmsg("als: iteration %d of %d: loss %.9g%s, %.2f s",
                           static_cast<int>(report.loss.size()), request.options.iterations,
                           report.loss.back(), holdout.c_str(), seconds)));
  });
}

}  // namespace als::pg
