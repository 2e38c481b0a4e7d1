// als.report: a model as an HTML page. What it tells is gathered here and in report_items,
// report_users and report_features; how it is drawn and written, src/report knows.

#include "pg/report/item_titles.h"
#include "pg/report/report_features.h"
#include "pg/report/report_items.h"
#include "pg/report/report_users.h"
#include "pg/server/args.h"
#include "pg/server/local_settings.h"
#include "pg/sql/params.h"

namespace als::pg {

namespace {

enum Argument { kModel, kTitles, kTest, kK, kItems };

constexpr int kMaxCards = 1000;

std::string column_text(TupleTableSlot* slot, int column) {
  if (slot->tts_isnull[column]) return "";
  return utf8_text(text_value(slot->tts_values[column]).c_str());
}

/// The newest row, every column as text.
void read_row(const Model& model, ReportData& data) {
  SPIPlanPtr plan = prepare(
      "select e.key, case when e.key operator(pg_catalog.=) any (array['trained_at', "
      "'refreshed_at']) then pg_catalog.to_char(pg_catalog.timezone('UTC', "
      "e.value::pg_catalog.timestamptz), 'YYYY-MM-DD HH24:MI \"UTC\"') "
      "else e.value end from (select * from " +
      model.name +
      " order by run desc limit 1) as r, "
      "pg_catalog.json_each_text(pg_catalog.row_to_json(r)) as e");
  for_each_row(plan, {}, {TEXTOID, TEXTOID}, [&](TupleTableSlot* slot) {
    data.row.emplace_back(column_text(slot, 0), column_text(slot, 1));
  });
}

/// One of the curves of the newest row.
std::vector<double> read_curve(const Model& model, const char* column) {
  std::vector<double> values;
  SPIPlanPtr plan = prepare(std::string("select v from (select ") + column + " from " + model.name +
                            " order by run desc limit 1) as r (curve), pg_catalog.unnest(r.curve) "
                            "with ordinality as u (v, i) order by i");
  for_each_row(plan, {}, {FLOAT8OID}, [&](TupleTableSlot* slot) {
    const double value = slot->tts_isnull[0] ? 0 : DatumGetFloat8(slot->tts_values[0]);
    if (std::isfinite(value)) values.push_back(value);
  });
  return values;
}

/// What the newest row has of each column of features.
void read_features(const Model& model, Side side, ReportData& data) {
  const std::string part = "pg_catalog.json_extract_path_text(c, ";
  // As JSON: a model of 1.0 has no such column.
  SPIPlanPtr plan = prepare(
      "select " + part + "'column'), " + part + "'kind'), " + part + "'weights'), " + part +
          "'missing'), " + part +
          "'rare_values') from (select pg_catalog.json_extract_path(pg_catalog.row_to_json(r), $1) "
          "from (select * from " +
          model.name +
          " order by run desc limit 1) as r) as x (columns), pg_catalog.json_array_elements(case "
          "when "
          "pg_catalog.json_typeof(columns) operator(pg_catalog.=) 'array' then columns end) "
          "with ordinality as e (c, i) order by i",
      {TEXTOID});
  const std::string name = side_name(side);
  for_each_row(
      plan, {text_param((name + "_feature_columns").c_str())},
      {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID}, [&](TupleTableSlot* slot) {
        data.features.push_back({name, column_text(slot, 0), column_text(slot, 1),
                                 column_text(slot, 2), column_text(slot, 3), column_text(slot, 4)});
      });
}

void read_past_runs(const Model& model, ReportData& data) {
  SPIPlanPtr plan = prepare(
      "select run::pg_catalog.text, pg_catalog.to_char(pg_catalog.timezone('UTC', "
      "trained_at), 'YYYY-MM-DD HH24:MI \"UTC\"'), n_ratings::pg_catalog.text, "
      "pg_catalog.cardinality(loss)::pg_catalog.text, "
      "loss[pg_catalog.cardinality(loss)]::pg_catalog.text, "
      "holdout_values[pg_catalog.cardinality(holdout_values)]::pg_catalog.text, "
      "coalesce(read_seconds operator(pg_catalog.+) train_seconds operator(pg_catalog.+) "
      "write_seconds, 0) from " +
      model.name + " order by run desc limit 12");
  for_each_row(
      plan, {}, {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, FLOAT8OID},
      [&](TupleTableSlot* slot) {
        data.past_runs.push_back({column_text(slot, 0), column_text(slot, 1), column_text(slot, 2),
                                  column_text(slot, 3), column_text(slot, 4), column_text(slot, 5),
                                  DatumGetFloat8(slot->tts_values[6])});
      });
}

/// A row of metric, k, value, baseline and n, from a column on.
Measured measured(TupleTableSlot* slot, int from) {
  const auto is_null = [&](int column) { return slot->tts_isnull[from + column]; };
  const auto datum = [&](int column) { return slot->tts_values[from + column]; };
  Measured row{column_text(slot, from), std::nullopt, DatumGetFloat8(datum(2)), std::nullopt,
               is_null(4) ? 0 : DatumGetInt64(datum(4))};
  if (!is_null(1)) row.k = DatumGetInt32(datum(1));
  if (!is_null(3)) row.baseline = DatumGetFloat8(datum(3));
  return row;
}

/// What als.evaluate_by_activity says of them: the errors, and the ranking at the k named first.
void read_by_activity(const Model& model, const Param& text, const Param& k, ReportData& data) {
  SPIPlanPtr plan = prepare(
      "select e.min_ratings, e.max_ratings, e.metric, e.k, e.value, e.baseline, e.n from "
      "als.evaluate_by_activity($1, $2, $3) as e where e.value is not null and e.metric "
      "operator(pg_catalog.=) any ('{rmse,ndcg}')",
      {REGCLASSOID, TEXTOID, k.type});
  std::optional<int> first_k;
  for (const Measured& row : data.metrics)
    if (row.metric == "ndcg" && !first_k) first_k = row.k;
  for_each_row(
      plan, {{REGCLASSOID, ObjectIdGetDatum(model.table)}, text, k},
      {INT4OID, INT4OID, TEXTOID, INT4OID, FLOAT8OID, FLOAT8OID, INT8OID},
      [&](TupleTableSlot* slot) {
        MeasuredGroup group{DatumGetInt32(slot->tts_values[0]), std::nullopt, measured(slot, 2)};
        if (group.measured.metric == "ndcg" && group.measured.k != first_k) return;
        if (!slot->tts_isnull[1]) group.max_ratings = DatumGetInt32(slot->tts_values[1]);
        data.by_activity.push_back(std::move(group));
      });
  std::sort(data.by_activity.begin(), data.by_activity.end(),
            [](const MeasuredGroup& a, const MeasuredGroup& b) {
              return std::tie(a.measured.metric, a.min_ratings) <
                     std::tie(b.measured.metric, b.min_ratings);
            });
}

/// What als.evaluate says of the rows of a test.
void read_metrics(const Model& model, const std::string& test, const Param& k, ReportData& data) {
  data.test = utf8_text(test.c_str());
  SPIPlanPtr plan =
      prepare("select e.metric, e.k, e.value, e.baseline, e.n from als.evaluate($1, $2, $3) as e",
              {REGCLASSOID, TEXTOID, k.type});
  Datum text = server([&] { return CStringGetTextDatum(test.c_str()); });
  for_each_row(plan, {{REGCLASSOID, ObjectIdGetDatum(model.table)}, {TEXTOID, text}, k},
               {TEXTOID, INT4OID, FLOAT8OID, FLOAT8OID, INT8OID}, [&](TupleTableSlot* slot) {
                 if (slot->tts_isnull[2]) return;
                 data.metrics.push_back(measured(slot, 0));
               });
  // Which says again what als.evaluate has said.
  LocalSettings quiet;
  quiet.set("client_min_messages", "warning");
  read_by_activity(model, {TEXTOID, text}, k, data);
  quiet.end();
}

std::optional<std::string> optional_text(FunctionCallInfo fcinfo, int index, const char* name) {
  if (PG_ARGISNULL(index)) return std::nullopt;
  return text_arg(fcinfo, index, name);
}

std::string report(FunctionCallInfo fcinfo) {
  require_arg(fcinfo, kModel, "model");
  const int cards = int_arg(fcinfo, kItems, "items", 0, kMaxCards);
  const std::optional<std::string> titles = optional_text(fcinfo, kTitles, "titles");
  const std::optional<std::string> test = optional_text(fcinfo, kTest, "test");
  const std::shared_ptr<ServedModel> served = serve_model(PG_GETARG_OID(kModel));
  const Model& model = served->model();

  ReportData data;
  data.model = utf8_text(server([&] { return get_rel_name(model.table); }));
  read_row(model, data);
  data.loss = read_curve(model, "loss");
  data.holdout = read_curve(model, "holdout_values");
  read_features(model, Side::kItems, data);
  read_features(model, Side::kUsers, data);
  report_weights(model, Side::kItems, data);
  report_weights(model, Side::kUsers, data);
  read_past_runs(model, data);
  const Oid k_type = server([&] { return get_fn_expr_argtype(fcinfo->flinfo, kK); });
  if (test) read_metrics(model, *test, {k_type, PG_GETARG_DATUM(kK), PG_ARGISNULL(kK)}, data);
  ReportItems items(*served, cards);
  report_users(*served, items.shuffled(), data);
  items.describe(titles, data);
  return report_page(data);
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_report)

/// als.report(model regclass, titles text, test text, k int[], items int): text
Datum als_report(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  MemoryContext context = CurrentMemoryContext;
  text* page = guard([&] {
    SpiConnection spi;
    const std::string html = report(fcinfo);
    text* result = server([&] {
      MemoryContext old = MemoryContextSwitchTo(context);
      text* copy = cstring_to_text_with_len(html.data(), static_cast<int>(html.size()));
      MemoryContextSwitchTo(old);
      return copy;
    });
    spi.finish();
    return result;
  });
  PG_RETURN_TEXT_P(page);
}
