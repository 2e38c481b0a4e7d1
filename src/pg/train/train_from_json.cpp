// als.train with its options in one JSON object, as als.tune returns them.

#include "pg/options/option_table.h"
#include "pg/server/args.h"
#include "pg/server/expanded_row.h"
#include "pg/server/result_rows.h"
#include "pg/sql/json_value.h"
#include "pg/sql/params.h"

namespace als::pg {

namespace {

enum Argument { kModel, kSource, kOptions, kReplace };

/// The arguments of als.train but for the model and the source.
std::vector<std::string> known_names() {
  std::vector<std::string> names{"user_col", "item_col", "rating_col"};
  for (const Option& option : kOptionTable) names.emplace_back(option.name);
  names.insert(names.end(),
               {"threads", "replace", "replace_ids", "warm_start", "unlogged", "keep_previous"});
  return names;
}

/// Each as an untyped literal, which takes on the type of the argument.
std::string argument_list(const JsonValue& options) {
  const std::vector<std::string> known = known_names();
  std::string list;
  for (const auto& [name, value] : options.members) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      std::string names;
      for (const std::string& other : known) names += (names.empty() ? "" : ", ") + other;
      throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                      format("als.train has no option \"%s\"", name.c_str()),
                      "Its options are " + names + ".");
    }
    if (value.kind == JsonValue::Kind::kArray || value.kind == JsonValue::Kind::kObject)
      throw UserError(ERRCODE_INVALID_PARAMETER_VALUE,
                      format("invalid %s in the options: %s", name.c_str(), value.shown().c_str()),
                      "An option has a single value; als.tune tries several.");
    const std::string& text = value.text;
    list += ", " + quoted(name) + " => ";
    list += value.kind == JsonValue::Kind::kNull ? "null" : server([&] {
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
        replace.text = PG_GETARG_BOOL(kReplace) ? "true" : "false";
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
