// From the arguments of als.train to a request that is complete and consistent.
#include "pg/train/train_arguments.h"

#include "core/base/limits.h"
#include "pg/features/feature_source.h"
#include "pg/ids/id_args.h"
#include "pg/options/option_defaults.h"

namespace als::pg {

std::vector<RatingSource> TrainRequest::sources() const {
  std::vector<RatingSource> sources = {source};
  for (const auto& named : {seen, features.users, features.items})
    if (named) sources.push_back(*named);
  return sources;
}

void TrainRequest::complete(const OptionChoices& chosen) {
  choices = chosen;
  options = provisional_options(choices);
  on_duplicate = choices.on_duplicate();
  holdout = choices.number(OptionId::kHoldout, 0);
}

OptionChoices option_args(const NamedArgs& args, NullOption null) {
  OptionChoices choices;
  for (const Option& option : kOptionTable) {
    if (!args.has(option.name)) continue;
    if (args.is_null(option.name) &&
        (option.is(Option::kNullable) || null == NullOption::kIsLeftOpen))
      continue;
    choices.set(id_of(option), option.from_datum(args.datum(option.name)));
  }
  return choices;
}

void check_time_col(const RatingSource& source, OnDuplicate on_duplicate) {
  const bool by_time = on_duplicate == OnDuplicate::kLast;
  if (by_time && !source.time_col)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "on_duplicate => 'last' needs a time",
                    "Name the column that tells which row is the last with time_col => '...'.");
  if (!by_time && source.time_col)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "time_col is for on_duplicate => 'last'",
                    "Leave time_col out, or use on_duplicate => 'last'.");
}

RatingSource source_from(const NamedArgs& args, const std::string& text, OnDuplicate on_duplicate,
                         Feedback feedback) {
  const auto column = [&](const char* name) { return name_arg(args.fcinfo(), args[name], name); };
  RatingSource source = parse_source(text);
  source.user_col = column("user_col");
  source.item_col = column("item_col");
  if (!args.is_null("rating_col")) source.rating_col = column("rating_col");
  if (args.has("time_col") && !args.is_null("time_col"))  // not in 1.0
    source.time_col = column("time_col");
  if (args.has("weight_col") && !args.is_null("weight_col"))  // not in 1.0
    source.weight_col = column("weight_col");
  source.is_implicit = feedback == Feedback::kImplicit;
  check_time_col(source, on_duplicate);
  return source;
}

std::optional<RatingSource> seen_from(const NamedArgs& args, const RatingSource& source) {
  if (!args.has("seen")) return std::nullopt;
  const auto seen = args.optional_text("seen");
  return seen ? std::optional(parse_seen(*seen, source)) : std::nullopt;
}

std::optional<RatingSource> features_from(const NamedArgs& args, Side side) {
  if (!args.has(features_name(side))) return std::nullopt;  // in 1.0
  const auto named = args.optional_text(features_name(side));
  return named ? std::optional(parse_features(*named, side)) : std::nullopt;
}

void check_features(const FeatureSources& features, const OptionChoices& choices) {
  for (const FeatureOption& of_features : kFeatureOptions) {
    if (!choices[of_features.id] || of_features.applies(features)) continue;
    const char* name = option(of_features.id).name;
    const std::string naming = of_features.side
                                   ? format("%s => '...'", features_name(*of_features.side))
                                   : "item_features => '...' or user_features => '...'";
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    format("%s is for a training with %s", name,
                           of_features.side ? features_name(*of_features.side) : "features"),
                    format("Name them with %s, or leave %s out.", naming.c_str(), name));
  }
  if (!features.any()) return;
  if (choices.flag(OptionId::kNonnegative, false))
    throw UserError(ERRCODE_FEATURE_NOT_SUPPORTED,
                    format("%s do not go with nonnegative factors yet",
                           features_name(features.items ? Side::kItems : Side::kUsers)),
                    "Leave one of them out.");
}

void check_features(const TrainRequest& request) {
  check_features(request.features, request.choices);
  const char* what = features_name(request.features.items ? Side::kItems : Side::kUsers);
  if (request.features.any() && request.distributed)
    throw UserError(ERRCODE_FEATURE_NOT_SUPPORTED,
                    format("a distributed training does not support %s yet", what),
                    format("Leave %s out, or train with distributed => false.", what));
}

void check_seen(const RatingSource& seen, const BySide<const IdType*>& id_types,
                MemoryContext context) {
  try {
    const DescribedSource described = describe_source(seen, context);
    for (Side side : {Side::kUsers, Side::kItems}) {
      const IdType& ids = *id_types[side];
      const IdType& seen_ids = *described.id_types[side];
      converter_or_throw(seen_ids.oid, ids, side_name(side), context);
      if (!server([&] { return hold_same_equal(seen_ids.collation, ids.collation); }))
        throw UserError(
            ERRCODE_DATATYPE_MISMATCH,
            format("%s ids of what is seen are %s, those of the model are %s", side_name(side),
                   server([&] { return type_name(seen_ids.collated()); }),
                   server([&] { return type_name(ids.collated()); })),
            format("Write the collation into a query: 'select %s collate ... as %s, "
                   "...'.",
                   quoted(seen.id_col(side)).c_str(), quoted(seen.id_col(side)).c_str()));
    }
  } catch (UserError& error) {
    if (error.sqlstate == ERRCODE_UNDEFINED_COLUMN)
      error.hint =
          "Its columns must be named as the source's; a query can rename them: 'select buyer as "
          "user_id, ...'.";
    throw;
  }
}

void add_distribution(TrainRequest& request, const NamedArgs& args, std::optional<bool> recorded,
                      std::optional<int> recorded_parts) {
  if (!args.has("distributed")) {  // not in 1.0, nor in several transactions
    if (recorded.value_or(false))
      throw UserError(ERRCODE_FEATURE_NOT_SUPPORTED,
                      format("model %s is of a distributed training, which is not done in steps",
                             request.model.c_str()),
                      "Use als.retrain. Or train it in one place: als.train_in_steps(..., replace "
                      "=> true).");
    return;
  }
  request.distributed =
      recorded && args.is_null("distributed") ? *recorded : args.flag("distributed");
  request.parts = recorded_parts;
  if (args.is_null("parts")) return;
  request.parts = int_arg(args.fcinfo(), args["parts"], "parts", 1, kMaxParts);
  if (!request.distributed)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE, "parts is for a distributed training",
                    "Leave parts out, or say distributed => true.");
}

TrainRequest train_request(FunctionCallInfo fcinfo) {
  const NamedArgs args(fcinfo);
  const OptionChoices choices = option_args(args);
  TrainRequest request{};
  request.model = args.text("model");
  const std::string source = args.text("source");
  request.complete(choices);
  request.threads = threads_arg(fcinfo, args["threads"]);
  request.replace = args.flag("replace");
  request.warm_start = args.flag("warm_start");
  if (request.warm_start && !request.replace)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    "warm_start is for training an existing model anew",
                    "Use replace => true as well.");
  request.replace_ids = args.has("replace_ids") && args.flag("replace_ids");  // not in 1.0
  if (request.replace_ids && !request.replace)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    "replace_ids is for training an existing model anew",
                    "Use replace => true as well.");
  request.unlogged = args.flag("unlogged");
  add_distribution(request, args);
  if (args.has("keep_previous") && args.flag("keep_previous") && !request.replace)
    throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                    "keep_previous is for training an existing model anew",
                    "Use replace => true as well.");
  request.keep_previous = args.has("keep_previous") && args.flag("keep_previous");  // not in 1.0
  request.functions = args.has("functions") && args.flag("functions");              // not in 1.0
  request.source = source_from(args, source, request.on_duplicate, request.options.feedback);
  request.seen = seen_from(args, request.source);
  for (const Side side : {Side::kUsers, Side::kItems})
    request.features[side] = features_from(args, side);
  check_features(request);
  return request;
}

}  // namespace als::pg
