// Counts, numbers, groups and packs, in SQL.
#include "pg/distribute/packing_statements.h"

namespace als::pg {

namespace {

std::string if_kept(const DescribedSource& source) {
  std::string condition = "where " + quoted(source.user_col) + " is not null and " +
                          quoted(source.item_col) + " is not null";
  if (source.rating_col) condition += " and " + quoted(*source.rating_col) + " is not null";
  return condition;
}

std::string rows_that_count(const DescribedSource& source) {
  return source.rows_that_count() + " " + if_kept(source);
}

std::string literal(const std::string& text) {
  return server([&] { return quote_literal_cstr(text.c_str()); });
}

/// Whether each shard can be read as a table of its own, by its name. Its name comes from tableoid,
/// which takes the privilege to read the whole table.
bool shards_can_be_named(const DescribedSource& source) {
  if (!source.is_relation || source.time_col) return false;
  return server([&] {
    Relation table = RelationIdGetRelation(source.table);
    if (!RelationIsValid(table)) return false;
    const bool is_plain = table->rd_rel->relkind == RELKIND_RELATION &&
                          table->rd_rel->relam == HEAP_TABLE_AM_OID &&
                          !table->rd_rel->relrowsecurity &&
                          pg_class_aclcheck(source.table, GetUserId(), ACL_SELECT) == ACLCHECK_OK;
    RelationClose(table);
    return is_plain;
  });
}

}  // namespace

std::string duplicate_query(const DescribedSource& source) {
  const std::string pair = quoted(source.user_col) + ", " + quoted(source.item_col);
  return "select " + pair + " from " + rows_that_count(source) + " group by " + pair +
         " having pg_catalog.count(*) operator(pg_catalog.>) 1 order by " + pair + " limit 1";
}

std::string rows_statement(const DescribedSource& source, const Workspace& tables) {
  const std::string user = quoted(source.user_col);
  const std::string item = quoted(source.item_col) +
                           "::" + server([&] { return spelled_type(source.id_types.items->base); });
  const std::string into = "insert into " + tables.rows() + " select found.* from ";
  const std::string found = " as found(" + tables.row_columns() + ")";
  const std::string columns =
      "select " + user + ", " + item + ", " + source.rating_as_read() + " from ";
  if (!tables.distributed())
    return into + "als._collect_query(" + literal(columns + source.rows_that_count()) + ", $1)" +
           found;
  if (shards_can_be_named(source))
    return into + "(select " + literal(columns) +
           " operator(pg_catalog.||) tableoid::pg_catalog.regclass::pg_catalog.text as query "
           "from " +
           source.from_clause() +
           " tablesample als._first_rows(1)) shards cross join lateral als._collect_query(query, "
           "$1)" +
           found;
  // One group for each scan of a machine, see als._collect: partitions of a shard have one each.
  return into +
         "(select collector from (select user_id, "
         "als._collect(user_id, rated_item, rating, $1) as collector from (select " +
         user + " as user_id, " + item + " as rated_item, " + source.rating_as_float8() +
         " as rating from " + source.rows_that_count() +
         ") rated) first where collector is not null group by user_id, collector) collected cross "
         "join lateral als._collected(collector)" +
         found;
}

/// A user may have several rows.
std::string counts_query(const Workspace& tables) {
  return "select coalesce(pg_catalog.sum(n), 0)::pg_catalog.int8 as n, "
         "coalesce(pg_catalog.sum(kept), 0)::pg_catalog.int8 as kept, pg_catalog.count(user_id) as "
         "users from (select part, user_id, pg_catalog.sum(n) as n, pg_catalog.sum(kept) as kept "
         "from " +
         tables.rows() + " group by part, user_id) users";
}

std::string item_query(const Workspace& tables) {
  return "select item_id from (select pg_catalog.unnest(items) as item_id from " + tables.rows() +
         ") items group by item_id";
}

std::string number_statement(const Workspace& tables, const std::string& items) {
  return "insert into " + tables.items() +
         " select pg_catalog.row_number() over (order by item_id) operator(pg_catalog.-) 1, "
         "item_id, als._id_key(item_id) from (" +
         items + ") items";
}

/// One value, so that the statement that packs chunks reads a table and needs nothing gathered.
std::string numbers_statement(const Workspace& tables, const IdType& item) {
  const std::string type = server([&] { return spelled_type(item.base); });
  return "insert into " + tables.numbers() +
         " select pg_catalog.string_agg(numbers, '' order by place desc) from (select place, "
         "als._item_numbers(ratings, items, (select pg_catalog.array_agg(item_id::" +
         type + " order by idx) from " + tables.items() + ")) as numbers from " + tables.rows() +
         " where place operator(pg_catalog.<) 0) sessions";
}

std::string chunks_statement(const Workspace& tables, bool keeps_out) {
  const std::string keys = keeps_out ? tables.item_keys() : "null";
  return "insert into " + tables.chunks() +
         " select part, number, pg_catalog.array_agg(user_id), als._chunk(ratings, "
         "als._id_key(user_id), part, number, $1, $2, $5, $6, " +
         keys + ", (select numbers operator(pg_catalog.||) ''::pg_catalog.bytea from " +
         tables.numbers() +
         ")) from (select part, number, user_id, pg_catalog.string_agg(ratings, '') as ratings "
         "from (select part, (place operator(pg_catalog.*) $3 operator(pg_catalog./) "
         "$4)::pg_catalog.int4 as number, user_id, ratings from " +
         tables.rows() +
         " where place operator(pg_catalog.>=) 0) rows group by 1, 2, 3 order by 1, 2, 3) users "
         "group by part, number";
}

std::string judged_hashes_query(const Workspace& tables, std::size_t n) {
  return "select hash from (select pg_catalog.unnest(als._judging_hashes(chunk)) as hash from " +
         tables.chunks() + ") users order by hash limit " + std::to_string(n);
}

std::string sample_query(const Workspace& tables, int buckets) {
  return "select id, ratings from (select pg_catalog.unnest(ids) as id, "
         "pg_catalog.unnest(als._sampled_ratings(chunk, " +
         std::to_string(buckets) + ")) as ratings from " + tables.chunks() +
         ") users where ratings is not null";
}

std::string first_users_statement(const Workspace& tables) {
  return "insert into " + tables.users() + " select part, number, null from " + tables.chunks();
}

std::string facts_query(const Workspace& tables) {
  return "select part, number, facts.* from " + tables.chunks() +
         ", lateral als._chunk_facts(chunk) facts order by part, number";
}

std::string totals_query(const Workspace& tables) {
  return pieces_query(
      "select part, als._part_totals($1, part, chunk) as pieces from (select part, number, chunk "
      "from " +
      tables.chunks() + " order by part, number) chunks group by part");
}

/// The slices depend on the part, so that what the part has for all of them, which is large, is
/// neither stored nor read again for each.
std::string pieces_query(const std::string& parts) {
  const std::string slice = "(n operator(pg_catalog.-) 1)::pg_catalog.int4";
  return "select place, " + slice + " as slice, part, als._piece(pieces, " + slice +
         ") as piece from (" + parts +
         ") parts cross join lateral pg_catalog.unnest(case when part is not null then $2 end) "
         "with ordinality as slices(place, n)";
}

}  // namespace als::pg
