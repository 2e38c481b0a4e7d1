// als.retrain and als.retrain_in_steps: a training as the model's newest run had it.

#include "pg/model/model_source.h"
#include "pg/model/recorded_run.h"
#include "pg/options/option_defaults.h"
#include "pg/server/may_write.h"
#include "pg/source/relations_read.h"
#include "pg/sql/expanded_row.h"
#include "pg/sql/result_rows.h"
#include "pg/sql/transaction_steps.h"
#include "pg/train/train_in_steps.h"
#include "pg/train/training.h"

namespace als::pg {

namespace {

/// What is named; for the rest what the row says, as far as the kind of feedback has it.
OptionChoices merged(const OptionChoices& named, const OptionChoices& recorded) {
  OptionChoices merged = named;
  if (!named[OptionId::kFeedback] && recorded[OptionId::kFeedback])
    merged.set(OptionId::kFeedback, *recorded[OptionId::kFeedback]);
  for (const Option& option : kOptionTable) {
    const OptionId id = id_of(option);
    if (merged[id] || !recorded[id]) continue;
    if (!option.only_for || *option.only_for == merged.feedback()) merged.set(id, *recorded[id]);
  }
  // Those that are to go take their ridge along.
  if (!merged.flag(OptionId::kBiases, true) && !named[OptionId::kBiasRegularization])
    merged.leave_open(OptionId::kBiasRegularization);
  return merged;
}

bool can_be_warm(const Model& model, const TrainOptions& options) {
  return model.factors == options.factors && model.feedback == options.feedback &&
         model.biases == options.biases;
}

/// The relation that a source is now, which may have been made again or renamed since.
RatingSource recorded_anew(RatingSource source) {
  if (!OidIsValid(source.table)) return source;
  source.text = locked_name(source.table);
  source.identity = server([&] { return identity_of(source.table); });
  return source;
}

/// The source named, or the model's.
RatingSource source_of(const NamedArgs& args, const Model& model, OnDuplicate on_duplicate,
                       Feedback feedback) {
  const auto named = args.optional_text("source");
  if (!named && model.source.is_none())
    throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format("model %s has no source of ratings", model.name.c_str()),
                    "Name one with source => '...'.");
  RatingSource source =
      named ? parse_source(*named) : recorded_anew(trusted_source_to_train(model));
  using Column = std::optional<std::string>;
  const auto column = [&](const char* name, const Column& otherwise) -> Column {
    if (args.is_null(name)) return otherwise;
    const std::string given = name_arg(args.fcinfo(), args[name], name);
    // No column has an empty name: this is what null is for als.train.
    return given.empty() ? std::nullopt : Column(given);
  };
  source.user_col = column("user_col", model.source.user_col).value_or("");
  source.item_col = column("item_col", model.source.item_col).value_or("");
  source.rating_col = column("rating_col", model.source.rating_col);
  const bool by_time = on_duplicate == OnDuplicate::kLast;
  source.time_col = column("time_col", by_time ? model.source.time_col : std::nullopt);
  source.weight_col = column("weight_col", model.source.weight_col);
  source.is_implicit = feedback == Feedback::kImplicit;
  check_time_col(source, on_duplicate);
  return source;
}

/// The model's row is read under a fresh snapshot; within an SPI connection.
TrainRequest retrain_request(const NamedArgs& args, Oid table) {
  SnapshotScope snapshot;
  const Model model = read_model(table);
  const std::optional<RecordedRun> recorded = recorded_run(table);
  snapshot.pop();
  TrainRequest request{};
  request.model = model.name;
  request.is_retraining = true;
  request.complete(merged(option_args(args, NullOption::kIsLeftOpen), recorded->options));
  request.source = source_of(args, model, request.on_duplicate, request.options.feedback);
  if (const auto seen = args.optional_text("seen")) {
    if (!seen->empty()) request.seen = parse_seen(*seen, request.source);
  } else if (!model.seen.is_none()) {
    request.seen = recorded_anew(trusted_seen_to_train(model));
    request.seen->user_col = request.source.user_col;
    request.seen->item_col = request.source.item_col;
  }
  for (const Side side : {Side::kUsers, Side::kItems}) {
    const auto named = args.optional_text(features_name(side));
    if (named ? named->empty() : !model.has_features(side)) continue;
    request.features[side] =
        named ? features_from(args, side) : recorded_anew(trusted_features(model, side));
  }
  // Features that are to go take their options along.
  for (const FeatureOption& of_features : kFeatureOptions)
    if (!of_features.applies(request.features) && args.is_null(option(of_features.id).name))
      request.choices.leave_open(of_features.id);
  request.threads = threads_arg(args.fcinfo(), args["threads"]);
  request.replace = true;
  add_distribution(request, args, recorded->distributed, recorded->parts);
  request.warm_start =
      args.is_null("warm_start") ? can_be_warm(model, request.options) : args.flag("warm_start");
  request.keep_previous = args.flag("keep_previous");
  request.replace_ids = args.flag("replace_ids");
  request.functions = args.flag("functions");
  check_features(request);
  return request;
}

/// Without the model, which nobody is to have who waits for its source.
std::vector<RelationLock> relations_to_read(const NamedArgs& args, Oid table) {
  std::vector<RatingSource> named;
  std::vector<std::string> recorded;
  const auto add = [&](const char* name, const auto& parse) {
    const auto text = args.optional_text(name);
    if (!text)
      recorded.emplace_back(name);
    else if (!text->empty())
      named.push_back(parse(*text));
  };
  add("source", [](const std::string& text) { return parse_source(text); });
  add("seen", [](const std::string& text) { return parse_seen(text, {}); });
  for (const Side side : {Side::kUsers, Side::kItems})
    add(features_name(side), [&](const std::string& text) { return parse_features(text, side); });
  std::vector<RelationLock> locks = relations_recorded(table, recorded);
  for (const RelationLock& lock : relations_read(named)) locks.push_back(lock);
  return locks;
}

Oid model_arg(const NamedArgs& args) {
  require_arg(args.fcinfo(), args["model"], "model");
  const Oid model = DatumGetObjectId(args.datum("model"));
  check_is_model(model);
  return model;
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_retrain)
ALS_SQL_FUNCTION(als_retrain_in_steps)

/// als.retrain(...): als.model, see sql/als--1.1.sql
Datum als_retrain(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    return once_for_all_columns(fcinfo, [&] {
      MemoryContext context = CurrentMemoryContext;
      check_may_write("als.retrain()");
      const NamedArgs args(fcinfo);
      const Oid table = model_arg(args);
      SpiConnection spi;
      ModelWriter model(table);
      const std::vector<RelationLock> read = relations_to_read(args, table);
      Progress progress(Command::kTrain, model.target_table());
      model.lock_model(table, read);
      model.claim_turn();
      const TrainRequest request = retrain_request(args, table);
      run_training(request, model, progress, context);
      Datum result = result_row(fcinfo, context);
      progress.hide();
      spi.finish();
      return result;
    });
  });
}

/// als.retrain_in_steps(...), see sql/als--1.1.sql
Datum als_retrain_in_steps(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    require_own_transactions(fcinfo, "als.retrain_in_steps");
    check_may_write("als.retrain_in_steps()");
    const NamedArgs args(fcinfo);
    const Oid table = model_arg(args);
    SpiConnection spi(SpiConnection::Mode::kMayCommit);
    train_in_steps(
        ModelWriter(table), table, true, [&] { return relations_to_read(args, table); },
        [&] { return retrain_request(args, table); });
    spi.finish();
    return static_cast<Datum>(0);
  });
}
