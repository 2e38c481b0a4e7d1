// Builds and runs the INSERT of a run.
#include "pg/model/run_row.h"

namespace als::pg {

namespace {

/// Their factors have been replaced. Should the newest row be deleted, the next one does not serve
/// with factors that are not its own.
void take_versions_of_older_runs(const std::string& table, std::int64_t newest) {
  execute("update " + table +
              " set user_version = null, item_version = null where run operator(pg_catalog.<) $1 "
              "and (user_version is not null or item_version is not null)",
          {bigint_param(newest)});
}

}  // namespace

void RunRow::add_options(const OptionChoices& choices, const OptionChoices& chosen) {
  for (const Option& option : kOptionTable) add(option.name, option.param(choices[id_of(option)]));
  add("options", jsonb_param(chosen.json()));
}

/// What a row remembers of a source, in columns of these names.
void RunRow::add_named(const std::string& name, const std::optional<RatingSource>& source) {
  const auto text = [](bool is_there, const std::string& value) {
    return is_there ? text_param(value.c_str()) : Param{TEXTOID, 0, true};
  };
  add(name, text(source.has_value(), source ? source->text : ""));
  add(name + "_table", text(source && source->is_relation, source ? source->identity : ""));
  add(name + "_path", text(source && !source->is_relation, source ? source->path : ""));
}

void RunRow::add_source(const RatingSource& source) {
  const auto name_or_null = [](const std::optional<std::string>& column) {
    return column ? name_param(*column) : Param{NAMEOID, 0, true};
  };
  add_named("source", source.is_none() ? std::nullopt : std::optional(source));
  add("user_col", name_param(source.user_col));
  add("item_col", name_param(source.item_col));
  add("rating_col", name_or_null(source.rating_col));
  add("time_col", name_or_null(source.time_col));
  add("weight_col", name_or_null(source.weight_col));
}

void RunRow::add_features(Side side, const RatingSource& features) {
  add_named(features_name(side), features);
}

void RunRow::add_seen(const std::optional<RatingSource>& seen) { add_named("seen", seen); }

/// Oids of tables differ between the nodes of a cluster.
void RunRow::add_factor_tables(const ModelWriter& model) {
  const bool by_name =
      server([&] { return cluster_table(model.table()).spread != TableSpread::kNone; });
  for (Side side : {Side::kUsers, Side::kItems}) {
    const Oid table = model.factor_table(side);
    const std::string name = side_name(side);
    if (by_name)
      add(name + "_table", text_param(relation_name(table).c_str()));
    else
      add(name + "_factors", class_param(table));
  }
}

void RunRow::insert(const ModelWriter& model) {
  add_factor_tables(model);
  const std::int64_t run = model.newest_run() + 1;
  add("run", bigint_param(run));
  for (const char* version : {"version", "user_version", "item_version"})
    add(version, new_version_param());
  add("trained_at", now_param());
  std::string columns;
  std::string values;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    columns += (i == 0 ? "" : ", ") + quoted(columns_[i]);
    values += (i == 0 ? "$" : ", $") + std::to_string(i + 1);
  }
  const std::string table = model.qualified_name();
  const std::uint64_t inserted = execute(
      "insert into " + table + " (" + columns + ") values (" + values + ") returning *", values_);
  if (inserted != 1)
    throw UserError(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
                    format("the row of this run could not be added to %s", table.c_str()),
                    "Look for a trigger on the table that suppresses inserts.");
  SPITupleTable* inserted_row = SPI_tuptable;
  take_versions_of_older_runs(table, run);
  SPI_tuptable = inserted_row;
}

}  // namespace als::pg
