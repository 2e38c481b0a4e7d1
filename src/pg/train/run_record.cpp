// From a finished training to the row of its run.
#include "pg/train/run_record.h"

#include "pg/model/run_row.h"
#include "pg/options/option_defaults.h"

namespace als::pg {

namespace {

/// The row of the run stays in SPI_tuptable.
void make_functions(Oid model) {
  SPITupleTable* row = SPI_tuptable;
  execute("select als.create_functions($1)", {class_param(model)});
  SPI_tuptable = row;
}

}  // namespace

void write_model_row(const ModelWriter& store, const TrainRequest& request,
                     const TrainOptions& trained, const TrainReport& report) {
  const bool implicit = trained.feedback == Feedback::kImplicit;
  OptionChoices options = choices_of(trained, request.on_duplicate);
  options.set(OptionId::kHoldout, request.holdout);
  // What was used, where it was left open.
  options.set(OptionId::kSolver,
              static_cast<std::int64_t>(report.cg ? Solver::kConjugateGradients : Solver::kDirect));
  add_feature_options(trained, request.features.users.has_value(),
                      request.features.items.has_value(), options);
  RunRow row;
  row.add_source(request.source);
  row.add_seen(request.seen);
  row.add_options(options, without_defaults(request.choices));
  row.add("warm_start", bool_param(report.warm_started));
  row.add("threads", int_param(request.threads));
  if (request.distributed) {
    row.add("distributed", bool_param(true));
    row.add("parts", int_param(report.parts));
  }
  for (const Side side : {Side::kUsers, Side::kItems}) {
    if (!request.features[side]) continue;
    const TrainReport::OfFeatures& told = report.features[side];
    const std::string name = side_name(side);
    row.add_features(side, *request.features[side]);
    row.add(name + "_feature_weights", class_param(told.weights));
    row.add(name + "_feature_columns", jsonb_param(told.columns));
    row.add("n_new_" + name + "s", bigint_param(told.new_rows));
  }
  row.add("n_rows", bigint_param(report.rows));
  row.add("n_skipped", bigint_param(report.skipped));
  row.add("n_duplicates", bigint_param(report.duplicates));
  row.add("n_holdout", bigint_param(report.held_out));
  row.add("n_ratings", bigint_param(report.ratings));
  row.add("n_users", bigint_param(report.users));
  row.add("n_items", bigint_param(report.items));
  row.add("mean", float_param(report.mean));
  row.add("spread", float_param(report.spread));
  if (report.damping) row.add("damping", float_param(*report.damping));
  row.add("lowest_rating", real_param(report.range.first));
  row.add("highest_rating", real_param(report.range.second));
  row.add("loss", float8_array_param(report.loss));
  if (request.holdout > 0) {
    row.add("holdout_metric", text_param(implicit ? "recall@10" : "rmse"));
    row.add("holdout_values", float8_array_param(report.holdout));
  }
  if (!report.advice.empty()) row.add("advice", text_param(report.advice.c_str()));
  row.add("n_refined", bigint_param(report.refined));
  row.add("read_seconds", float_param(report.read_seconds));
  row.add("train_seconds", float_param(report.train_seconds));
  row.add("write_seconds", float_param(report.write_seconds));
  row.insert(store);
  if (request.functions) make_functions(store.table());
}

}  // namespace als::pg
