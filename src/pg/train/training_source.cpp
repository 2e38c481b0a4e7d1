// Looks at the source of a training, and says what is to be said of it.
#include "pg/train/training_source.h"

#include "pg/ids/id_args.h"
#include "pg/model/previous_run.h"
#include "pg/server/settings.h"
#include "pg/source/read_cost.h"
#include "pg/train/forgotten_options.h"

namespace als::pg {

namespace {

void warn_of_constant_ratings(const TrainRequest& request) {
  if (request.source.rating_col || request.options.feedback != Feedback::kExplicit) return;
  server([] {
    ereport(WARNING, (errmsg("every rating is 1, from which explicit feedback learns nothing"),
                      errhint("Use feedback => 'implicit' for clicks, orders and the like.")));
  });
}

/// So that it is here that its columns are found missing, or not to cast, and not when it serves.
void check_seen(const RatingSource& named, const DescribedSource& source, MemoryContext context) {
  try {
    const DescribedSource seen = describe_source(named, context);
    for (Side side : {Side::kUsers, Side::kItems})
      converter_or_throw(seen.id_types[side]->oid, *source.id_types[side], side_name(side),
                         context);
  } catch (UserError& error) {
    if (error.sqlstate == ERRCODE_UNDEFINED_COLUMN)
      error.hint =
          "Its columns must be named as the source's; a query can rename them: 'select buyer as "
          "user_id, ...'.";
    throw;
  }
}

}  // namespace

DescribedSource describe_training(const TrainRequest& request, ModelWriter& model,
                                  TrainReport& report, MemoryContext context) {
  warn_of_constant_ratings(request);
  if (request.keep_previous) PreviousRun(model).check_may_keep();
  report.warm_started = request.warm_start && OidIsValid(model.table());
  if (!request.is_retraining) report_forgotten_options(model.table(), request);
  DescribedSource source = describe_source(request.source, context);
  if (request.seen) check_seen(*request.seen, source, context);
  report.advice = advice_on_reading(source);
  if (report.advice.empty()) return source;
  server([&] { ereport(NOTICE, (errmsg("%s", report.advice.c_str()))); });
  return source;
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
