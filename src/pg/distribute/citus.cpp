// Asks Citus, by its own functions and views, what it has done with tables.
#include "pg/distribute/citus.h"

#include "pg/sql/array_elements.h"
#include "pg/sql/params.h"

namespace als::pg {

namespace {

bool has_citus() {
  return server(
      [] { return OidIsValid(get_relname_relid("pg_dist_partition", PG_CATALOG_NAMESPACE)); });
}

/// The relations that a source is made of, those behind views included.
std::string relations_of(const DescribedSource& source) {
  SourceNames names(source);
  SPIPlanPtr plan = prepare("select * from " + source.from_clause());
  std::string oids;
  server([&] {
    auto* statement = static_cast<CachedPlanSource*>(linitial(SPI_plan_get_plan_sources(plan)));
    ListCell* cell;
    foreach (cell, statement->relationOids)
      oids += (oids.empty() ? "" : ", ") + std::to_string(lfirst_oid(cell));
  });
  names.end();
  return oids;
}

/// Hands the first row of a query to take(slot).
template <class Take>
void read_row(const std::string& sql, const std::vector<Oid>& types, Take&& take) {
  SnapshotScope snapshot;
  for_each_row(prepare(sql), {}, types, take);
  snapshot.pop();
}

}  // namespace

SourceSpread spread_of(const DescribedSource& source) {
  SourceSpread spread;
  if (!has_citus()) return spread;
  const std::string relations = relations_of(source);
  if (relations.empty()) return spread;
  std::string by;
  read_row(
      "select pg_catalog.column_to_column_name(logicalrelid, partkey)::pg_catalog.text, "
      "(select pg_catalog.count(*) from pg_catalog.pg_dist_shard s where s.logicalrelid "
      "operator(pg_catalog.=) p.logicalrelid)::pg_catalog.int4 from pg_catalog.pg_dist_partition p "
      "where p.partmethod operator(pg_catalog.=) 'h' and p.logicalrelid::pg_catalog.oid in (" +
          relations + ") order by logicalrelid limit 1",
      {TEXTOID, INT4OID}, [&](TupleTableSlot* slot) {
        spread = {true, DatumGetInt32(slot->tts_values[1])};
        by = server([&]() -> const char* { return TextDatumGetCString(slot->tts_values[0]); });
      });
  if (spread.distributed && source.is_relation &&
      server([&] { return get_rel_relkind(source.table); }) == RELKIND_RELATION &&
      by != source.user_col)
    throw UserError(
        ERRCODE_FEATURE_NOT_SUPPORTED,
        format("the source is distributed by column \"%s\", not by its users", by.c_str()),
        "Distribute it by the users: select alter_distributed_table('" + source.text +
            "', distribution_column => '" + source.user_col + "').");
  return spread;
}

std::string name_argument(const std::string& table) {
  return server([&] { return quote_literal_cstr(table.c_str()); });
}

std::vector<int> value_in_each_shard(const std::string& table, int shards) {
  // The first of so many values fill all shards with certainty enough.
  const std::string tried = std::to_string(40 * static_cast<std::int64_t>(shards) + 100);
  std::vector<int> values;
  read_row(
      "select pg_catalog.array_agg(first order by first) from (select pg_catalog.min(v) as "
      "first from pg_catalog.generate_series(1, " +
          tried + ") v group by pg_catalog.get_shard_id_for_distribution_column(" +
          name_argument(table) + ", v)) shards",
      {INT4ARRAYOID}, [&](TupleTableSlot* slot) {
        server([&] {
          const ArrayElements elements = array_elements(slot->tts_values[0]);
          for (int i = 0; i < elements.n; ++i) values.push_back(DatumGetInt32(elements.values[i]));
        });
      });
  if (static_cast<int>(values.size()) != shards)
    throw UserError(ERRCODE_INTERNAL_ERROR, format("%zu of the %d shards of %s were found",
                                                   values.size(), shards, table.c_str()));
  return values;
}

}  // namespace als::pg
