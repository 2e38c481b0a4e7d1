// als.train with its options in one JSON object, as als.tune returns them.

#include "core/base/limits.h"
#include "pg/options/option_table.h"
#include "pg/server/args.h"
#include "pg/sql/expanded_row.h"
#include "pg/sql/json_value.h"
#include "pg/sql/params.h"
#include "pg/sql/result_rows.h"

namespace als::pg {

namespace {

enum Argument { kModel, kSource, kOptions, kReplace };

constexpr const char* kTextArguments[] = {"user_col",      "item_col",     "rating_col",
                                          "time_col",      "weight_col",   "seen",
                                          "user_features", "item_features"};

/// Arguments of als.train beside the options of a training.
constexpr Option kOtherArguments[] = {{"threads", Option::Type::kInteger, 1, kMaxThreads},
                                      {"replace", Option::Type::kBoolean},
                                      {"replace_ids", Option::Type::kBoolean},
                                      {"warm_start", Option::Type::kBoolean},
                                      {"unlogged", Option::Type::kBoolean},
                                      {"keep_previous", Option::Type::kBoolean},
                                      {"distributed", Option::Type::kBoolean},
                                      {"parts", Option::Type::kInteger, 1, kMaxParts},
                                      {"functions", Option::Type::kBoolean}};

bool is_text_argument(const std::string& name) {
  return std::find(std::begin(kTextArguments), std::end(kTextArguments), name) !=
         std::end(kTextArguments);
}

const Option* find_argument(const std::string& name) {
  if (const Option* option = find_option(name)) return option;
  for (const Option& other : kOtherArguments)
    if (name == other.name) return &other;
  return nullptr;
}

[[noreturn]] void throw_unknown(const std::string& name) {
  std::string names;
  for (const char* text : kTextArguments) names += std::string(text) + ", ";
  for (const Option& option : kOptionTable) names += std::string(option.name) + ", ";
  for (const Option& other : kOtherArguments) names += std::string(other.name) + ", ";
  names.resize(names.size() - 2);
  throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                  format("als.train has no option \"%s\"", name.c_str()),
                  "Its options are " + names + ".");
}

[[noreturn]] void throw_invalid(const JsonValue::Member& member, const std::string& wanted) {
  throw UserError(
      ERRCODE_INVALID_PARAMETER_VALUE,
      format("invalid %s in the options: %s", member.first.c_str(), member.second.shown().c_str()),
      wanted);
}

/// The text of a value that has the type and range of its argument.
std::string argument_text(const JsonValue::Member& member) {
  const auto& [name, value] = member;
  using Kind = JsonValue::Kind;
  const Option* argument = find_argument(name);
  if (argument == nullptr && !is_text_argument(name)) throw_unknown(name);
  if (value.kind == Kind::kArray || value.kind == Kind::kObject)
    throw_invalid(member, "An option has a single value; als.tune tries several.");
  if (argument == nullptr) {
    if (value.kind != Kind::kText) throw_invalid(member, "It must be a string.");
    return value.text;
  }
  const std::optional<OptionValue> checked = argument->from_json(value);
  if (!checked) throw_invalid(member, argument->wanted_in_json());
  return argument->type == Option::Type::kChoice ? value.text : argument->json(*checked);
}

/// Each as an untyped literal, which takes on the type of the argument.
std::string argument_list(const JsonValue& options) {
  std::string list;
  for (const JsonValue::Member& member : options.members) {
    const bool is_null = member.second.kind == JsonValue::Kind::kNull;
    const std::string text = is_null ? "" : argument_text(member);
    if (is_null && find_argument(member.first) == nullptr && !is_text_argument(member.first))
      throw_unknown(member.first);
    list += ", " + quoted(member.first) + " => ";
    list += is_null ? "null" : server([&] {
      return static_cast<const char*>(quote_literal_cstr(text.c_str()));
    });
  }
  return list;
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_train_options)

/// als.train(model text, source text, options jsonb, replace boolean): als.model
Datum als_train_options(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    return once_for_all_columns(fcinfo, [&] {
      MemoryContext context = CurrentMemoryContext;
      std::string model = text_arg(fcinfo, kModel, "model");
      std::string source = text_arg(fcinfo, kSource, "source");
      require_arg(fcinfo, kOptions, "options");
      JsonValue options = json_object(PG_GETARG_DATUM(kOptions), "options");
      if (!PG_ARGISNULL(kReplace)) {
        auto is_replace = [](const JsonValue::Member& member) { return member.first == "replace"; };
        auto& members = options.members;
        members.erase(std::remove_if(members.begin(), members.end(), is_replace), members.end());
        JsonValue replace;
        replace.kind = JsonValue::Kind::kBoolean;
        replace.boolean = PG_GETARG_BOOL(kReplace);
        members.emplace_back("replace", replace);
      }
      SpiConnection spi;
      execute("select * from als.train(model => $1, source => $2" + argument_list(options) + ")",
              {text_param(model.c_str()), text_param(source.c_str())});
      Datum result = result_row(fcinfo, context);
      spi.finish();
      return result;
    });
  });
}
