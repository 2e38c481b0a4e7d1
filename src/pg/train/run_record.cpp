#include "pg/train/run_record.h"

#include "pg/server/params.h"

namespace als::pg {

const char* on_duplicate_name(OnDuplicate choice) {
  switch (choice) {
    case OnDuplicate::kAverage:
      return "average";
    case OnDuplicate::kSum:
      return "sum";
    case OnDuplicate::kError:
      return "error";
  }
  return "";
}

void check_run_written(std::uint64_t rows, const std::string& table) {
  if (rows != 1)
    throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format("the row of this run could not be added to %s", table.c_str()),
                    "Look for a trigger on the table that suppresses inserts.");
}

void write_model_row(const ModelWriter& store, const TrainRequest& request,
                     const TrainReport& report) {
  const TrainOptions& options = request.options;
  const RatingSource& source = request.source;
  bool implicit = options.feedback == Feedback::kImplicit;
  std::string table = store.qualified_name();
  Param rating_col{NAMEOID, 0, true};
  if (source.rating_col) rating_col = name_param(*source.rating_col);
  Param alpha{FLOAT8OID, 0, true};
  if (implicit) alpha = float_param(options.alpha);
  Param holdout_metric{TEXTOID, 0, true};
  Param holdout_values{FLOAT8ARRAYOID, 0, true};
  if (request.holdout > 0) {
    holdout_metric = text_param(implicit ? "recall@10" : "rmse");
    holdout_values = float8_array_param(report.holdout);
  }
  std::uint64_t written = execute(
      "insert into " + table +
          " (run, version, user_version, item_version, trained_at, source, source_table, user_col, "
          "item_col, rating_col,"
          " user_factors, item_factors, feedback, factors, iterations, regularization,"
          " reg_exponent, alpha, biases, nonnegative, on_duplicate, holdout, tolerance, seed, "
          "solver,"
          " warm_start, threads, n_rows, n_skipped, n_duplicates, n_holdout, n_ratings, n_users,"
          " n_items, mean, loss, holdout_metric, holdout_values, n_refined, read_seconds,"
          " train_seconds, write_seconds) "
          "select coalesce(max(run), 0) + 1, pg_catalog.gen_random_uuid(),"
          " pg_catalog.gen_random_uuid(), pg_catalog.gen_random_uuid(),"
          " pg_catalog.clock_timestamp(), $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,"
          " $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29,"
          " $30, $31, $32, $33, $34, $35, $36, $37"
          " from " +
          table + " returning *",
      {text_param(source.text.c_str()),
       class_param(source.table),
       name_param(source.user_col),
       name_param(source.item_col),
       rating_col,
       class_param(store.factor_table(Side::kUsers)),
       class_param(store.factor_table(Side::kItems)),
       text_param(feedback_name(options.feedback)),
       int_param(options.factors),
       int_param(options.iterations),
       float_param(options.regularization),
       float_param(options.reg_exponent),
       alpha,
       bool_param(options.biases),
       bool_param(options.nonnegative),
       text_param(on_duplicate_name(request.on_duplicate)),
       float_param(request.holdout),
       float_param(options.tolerance),
       bigint_param(static_cast<std::int64_t>(options.seed)),
       text_param(report.cg ? "cg" : "direct"),
       bool_param(report.warm_started),
       int_param(request.threads),
       bigint_param(report.rows),
       bigint_param(report.skipped),
       bigint_param(report.duplicates),
       bigint_param(report.held_out),
       bigint_param(report.ratings),
       bigint_param(report.users),
       bigint_param(report.items),
       float_param(report.mean),
       float8_array_param(report.loss),
       holdout_metric,
       holdout_values,
       bigint_param(report.refined),
       float_param(report.read_seconds),
       float_param(report.train_seconds),
       float_param(report.write_seconds)});
  check_run_written(written, table);
}

}  // namespace als::pg
