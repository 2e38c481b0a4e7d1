// The statements of a packing, run on all servers at once, and what goes back and forth between.
#include "pg/hub/node_packing.h"

#include "core/evaluate/holdout_metrics.h"
#include "core/parts/totals.h"
#include "pg/distribute/packing_statements.h"
#include "pg/distribute/trained_users.h"
#include "pg/hub/node_pieces.h"
#include "pg/hub/sent.h"
#include "pg/hub/torn_users.h"
#include "pg/sql/bytea_value.h"
#include "pg/sql/params.h"

namespace als::pg {

void NodePacking::gather_rows() {
  places_.nodes().run(places_.of_places([&](const NodePlaces::Place& place) {
    return NodeStatement{rows_statement(place.rows, places_.tables()), {places_param(place.parts)}};
  }),
                      [&] {
                        for (const NodePlaces::Place& place : places_.here())
                          write_from_source(rows_statement(place.rows, workspace()), {INT8ARRAYOID},
                                            {places_param(place.parts)});
                      });
}

void NodePacking::read_counts() {
  places_.find_everywhere(
      counts_query, {"n pg_catalog.int8, kept pg_catalog.int8, users pg_catalog.int8"}, workspace(),
      {"n operator(pg_catalog.>=) kept and kept operator(pg_catalog.>=) users "
       "and users operator(pg_catalog.>=) 0",
       "numbers of ratings that cannot be"});
  for_each_current_row("select * from " + workspace().found(), count_types(),
                       [&](TupleTableSlot* slot) { add_counts(slot); });
}

void NodePacking::number_items() {
  places_.find_everywhere(item_query, {"item_id " + workspace().id_type(Side::kItems)},
                          workspace());
  execute(number_statement(workspace(), "select item_id from " + workspace().found() +
                                            " where item_id is not null group by item_id"));
}

void NodePacking::check_duplicates() {
  places_.find(duplicate_query,
               {"user_id " + workspace().id_type(Side::kUsers) + ", item_id " +
                workspace().id_type(Side::kItems)},
               workspace());
  for_each_current_row("select * from " + workspace().found() + " order by 1, 2 limit 1",
                       id_types(), [&](TupleTableSlot* slot) { throw_duplicate(slot); });
}

void NodePacking::pack() {
  share_items();
  pack_chunks();
}

/// The numbers that the items have here, and their keys: those of an enum are another on each
/// server.
void NodePacking::share_items() {
  execute(
      "select pg_catalog.array_agg(item_id::pg_catalog.text order by idx), "
      "pg_catalog.array_agg(key order by idx) from " +
      workspace().items());
  const std::vector<std::string> arrays = take_first_row();
  const Workspace& tables = places_.tables();
  places_.nodes().run("insert into " + tables.items() +
                          "(idx, item_id, key) select (n operator(pg_catalog.-) "
                          "1)::pg_catalog.int4, id::" +
                          tables.id_type(Side::kItems) +
                          ", key from rows from (pg_catalog.unnest($1::pg_catalog._text), "
                          "pg_catalog.unnest($2::pg_catalog._int8)) with ordinality as u(id, key, "
                          "n)",
                      {text_param(arrays[0].c_str()), text_param(arrays[1].c_str())});
  places_.nodes().run("analyze " + tables.items());
}

void NodePacking::pack_chunks() {
  Workspace& tables = places_.tables();
  const IdType& item = *request().source.id_types.items;
  places_.nodes().run(numbers_statement(tables, item));
  execute(numbers_statement(workspace(), item));
  places_.nodes().run(chunks_statement(tables, request().holdout > 0), chunk_params(), [&] {
    if (!places_.here().empty())
      execute(chunks_statement(workspace(), request().holdout > 0), chunk_params());
  });
  for (Workspace* each : {&tables, &workspace()}) {
    each->done_with(each->rows());
    each->empty();
  }
  places_.nodes().run(first_users_statement(tables));
  execute(first_users_statement(workspace()));
  const std::string columns =
      "part pg_catalog.int4, number pg_catalog.int4, users pg_catalog.int4, ratings "
      "pg_catalog.int8, mean pg_catalog.float8, squares pg_catalog.float8, duplicates "
      "pg_catalog.int8, lowest pg_catalog.float4, highest pg_catalog.float4";
  workspace().create_found({columns});
  const std::string of_part =
      "select * from (" + facts_query(tables) + ") facts where part operator(pg_catalog.=) $1";
  const std::string possible =
      "rows is not null and users operator(pg_catalog.>=) 0 and number operator(pg_catalog.>=) 0 "
      "and number operator(pg_catalog.<) " +
      std::to_string(chunks_in_part());
  places_.gather(places_.of_parts([&](int part, std::vector<NodeStatement>& of_node) {
    of_node.push_back(
        {of_part, {int_param(part)}, expected_of(part, possible, "a chunk that cannot be")});
  }),
                 columns, "*", workspace().found());
  execute("insert into " + workspace().found() + " " + facts_query(workspace()));
  for_each_current_row(
      "select * from " + workspace().found() + " order by part, number", fact_types(),
      [&](TupleTableSlot* slot) {
        add_facts(slot);
        chunks_.push_back({DatumGetInt32(slot->tts_values[0]), DatumGetInt32(slot->tts_values[1]),
                           DatumGetInt32(slot->tts_values[2])});
      });
  check_users_are_whole(places_, workspace());
}

void NodePacking::sum_totals(const Param& training, std::uint32_t slices) {
  Workspace& tables = places_.tables();
  const Param slice_places = int4_array_param(workspace().slice_places(slices));
  places_.nodes().run("insert into " + tables.sums() + " " + totals_query(tables),
                      {training, slice_places}, [&] { Packing::sum_totals(training, slices); });
  const PartsTraining facts = PartsTraining::read(view_of_bytea(training.value));
  gather_pieces(places_, workspace(), slices, SliceTotals::kItemBytes * facts.slice_items);
}

Ratings NodePacking::sample(ThreadTeam& team) {
  const auto query = [&](const Workspace& tables) {
    return sample_query(tables, sample_buckets());
  };
  places_.find_everywhere(
      query,
      {"id " + workspace().id_type(Side::kUsers) + ", ratings pg_catalog.bytea", {"ratings"}},
      workspace(), {"id is not null and ratings is not null", "a sample that cannot be"});
  std::optional<Ratings> sample;
  check_sent_bytes(
      [&] { sample.emplace(sample_of("select * from " + workspace().found(), team)); });
  return std::move(*sample);
}

std::uint64_t NodePacking::greatest_judged_hash() {
  const std::string columns = "hash pg_catalog.int8";
  workspace().create_found({columns});
  places_.gather(places_.of_all({judged_hashes_query(places_.tables(), kJudgedUsers), {}}), columns,
                 "*", workspace().found());
  execute("insert into " + workspace().found() + " " +
          judged_hashes_query(workspace(), kJudgedUsers));
  return greatest_of("select hash from " + workspace().found() + " order by hash limit " +
                     std::to_string(kJudgedUsers));
}

void NodePacking::gather_users(bool biases) {
  workspace().create_found(
      {"ids " + workspace().id_array_type(Side::kUsers) + ", users pg_catalog.bytea",
       {"ids", "users"}});
  const Workspace& tables = places_.tables();
  const std::string query =
      "select c.part, c.number, c.ids, als._encoded(als._packed_users(c.chunk, u.users, " +
      tables.item_keys() + ")) from " + tables.chunks_with_users() +
      " where c.part operator(pg_catalog.=) $1 and c.number operator(pg_catalog.=) $2";
  places_.gather(places_.of_parts([&](int part, std::vector<NodeStatement>& of_node) {
    for (const Chunk& chunk : chunks_) {
      if (chunk.part != part) continue;
      const std::string its_users =
          "number operator(pg_catalog.=) " + std::to_string(chunk.number) +
          " and pg_catalog.cardinality(ids) operator(pg_catalog.=) " + std::to_string(chunk.users);
      of_node.push_back({query,
                         {int_param(part), int_param(chunk.number)},
                         expected_of(part, its_users, "users that cannot be", 1)});
    }
  }),
                 "part pg_catalog.int4, number pg_catalog.int4, ids " +
                     workspace().id_array_type(Side::kUsers) + ", users pg_catalog.text",
                 "ids, als._sent_users(users, ids, " + std::to_string(request().factors) +
                     (biases ? ", true)" : ", false)"),
                 workspace().found());
}

std::string NodePacking::trained_users_query() const {
  return pg::trained_users_query(workspace()) +
         " union all select id, (f).factors, (f).bias, (f).n_ratings, (f).checksum from (select "
         "pg_catalog.unnest(ids) as id, als._unpacked_factors(users) as f from " +
         workspace().found() + ") users";
}

}  // namespace als::pg
