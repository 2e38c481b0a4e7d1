// Asks Citus, by its own functions and views, what it has done with tables.
#include "pg/distribute/citus.h"

#include "pg/server/cluster_table.h"
#include "pg/sql/params.h"
#include "pg/steps/packed_ratings.h"

namespace als::pg {

namespace {

/// The relations that a source is made of, those behind views included. A server call.
List* relations_of(SPIPlanPtr plan) {
  return static_cast<CachedPlanSource*>(linitial(SPI_plan_get_plan_sources(plan)))->relationOids;
}

}  // namespace

SourceSpread spread_of(const DescribedSource& source) {
  SourceNames names(source);
  SPIPlanPtr plan = prepare("select * from " + source.from_clause());
  names.end();
  SourceSpread spread;
  const char* by = server([&]() -> const char* {
    ListCell* cell;
    foreach (cell, relations_of(plan)) {
      const Oid table = lfirst_oid(cell);
      const AttrNumber column = distribution_column(table);
      if (column == InvalidAttrNumber) continue;
      spread = {table};
      return get_attname(table, column, false);
    }
    return "";
  });
  if (source.is_relation && spread.table == source.table && by != source.user_col)
    throw UserError(ERRCODE_FEATURE_NOT_SUPPORTED,
                    format("the source is distributed by column \"%s\", not by its users", by),
                    "Distribute it by the users: select alter_distributed_table('" + source.text +
                        "', distribution_column => '" + source.user_col + "').");
  if (source.is_relation && spread.table == source.table)
    spread.shards =
        count_rows("from pg_catalog.pg_dist_shard where logicalrelid operator(pg_catalog.=) $1",
                   {class_param(spread.table)});
  return spread;
}

std::string name_argument(const std::string& table) {
  return server([&] { return quote_literal_cstr(table.c_str()); });
}

std::vector<ShardValue> value_in_each_shard(const std::string& table, int shards) {
  std::string tried;
  int value = 0;
  const auto shard_of_value = [&] {
    const Datum hash = DirectFunctionCall1(hashint4, Int32GetDatum(value));
    return shard_of(DatumGetInt32(hash), static_cast<std::uint64_t>(shards));
  };
  for (int shard = 0; shard < shards; ++shard) {
    do ++value;
    while (shard_of_value() != static_cast<std::uint64_t>(shard));
    tried += (shard == 0 ? "" : ", ") + std::to_string(value);
  }
  std::vector<ShardValue> values;
  for_each_current_row(
      "select first, p.groupid from (select pg_catalog.min(v) as first, shard from (select v, "
      "pg_catalog.get_shard_id_for_distribution_column(" +
          name_argument(table) + ", v) as shard from pg_catalog.unnest(array[" + tried +
          "]) v) tried group by shard) shards join "
          "pg_catalog.pg_dist_placement p on p.shardid operator(pg_catalog.=) shard order by first",
      {INT4OID, INT4OID}, [&](TupleTableSlot* slot) {
        values.push_back({DatumGetInt32(slot->tts_values[0]), DatumGetInt32(slot->tts_values[1])});
      });
  if (static_cast<int>(values.size()) != shards)
    throw UserError(ERRCODE_INTERNAL_ERROR, format("%zu of the %d shards of %s were found",
                                                   values.size(), shards, table.c_str()));
  return values;
}

}  // namespace als::pg
