// The statements by which each node computes the rows of its users.
#include "pg/batch/spread_refresh.h"

#include "pg/nodes/cluster_nodes.h"
#include "pg/server/random_number.h"
#include "pg/spread/table_beside_users.h"
#include "pg/sql/params.h"

namespace als::pg {

SpreadRefresh::SpreadRefresh(const SpreadRatings& ratings, ModelWriter& store, Progress& progress)
    : ratings_(ratings), store_(store), progress_(progress) {
  if (ratings.lie_beside_users())
    schema_ = schema_for_tables(server([&] { return get_rel_namespace(ratings.model().table); }));
}

/// Of each user: how many ratings of known items they have, and the checksum, which is a number
/// modulo 2^64.
std::string SpreadRefresh::counted_ratings() const {
  return "(select rated_by, pg_catalog.count(*) as n, "
         "pg_catalog.sum(als._rating_checksum(rated_item, rated)) as live_checksum from " +
         ratings_.rows() +
         " where rated_by is not null and rated is not null and exists (select from (select "
         "item_id as known_item from " +
         ratings_.table(Side::kItems) + ") known where " +
         ratings_.same(Side::kItems, "known_item", "rated_item") + ") group by rated_by) live";
}

/// Two statements: Citus leaves on its node only what keeps the column it is distributed by.
void SpreadRefresh::find_changed() {
  const std::string checksums =
      ratings_.has_checksums(Side::kUsers)
          ? " or pg_catalog.mod(live_checksum operator(pg_catalog.-) checksum::pg_catalog.numeric, "
            "18446744073709551616) operator(pg_catalog.<>) 0"
          : "";
  SourceNames names(ratings_.source());
  execute("insert into " + wanted_ + " select rated_by from " + counted_ratings() + " left join " +
          users() + " u on " + same("rated_by", "user_id") +
          " where user_id is null or n operator(pg_catalog.<>) coalesce(n_ratings, 0)" + checksums);
  execute("insert into " + wanted_ + " select user_id from " + users() + " u left join " +
          counted_ratings() + " on " + same("rated_by", "user_id") +
          " where rated_by is null and n_ratings operator(pg_catalog.<>) 0");
  names.end();
}

/// Duplicates, which count once in a row, make it look changed.
void SpreadRefresh::keep_changed() {
  const std::string checksums =
      ratings_.has_checksums(Side::kUsers)
          ? " and (u.checksum is null or u.checksum operator(pg_catalog.=) r.checksum)"
          : "";
  execute("delete from " + refreshed_ + " r using (select user_id as known_user, n_ratings" +
          (checksums.empty() ? "" : ", checksum") + " from " + users() + ") u where " +
          same("user_id", "known_user") + " and r.n_ratings operator(pg_catalog.=) u.n_ratings" +
          checksums);
}

void SpreadRefresh::compute(const std::optional<Param>& ids) {
  check_nodes();
  const Model& model = ratings_.model();
  const IdType& user = ratings_.id_type(Side::kUsers);
  const std::string prefix = *schema_ + "." + scratch_prefix();
  wanted_ = prefix + "wanted";
  refreshed_ = prefix + "refreshed";
  create_table_beside_users(wanted_, "", model, user);
  create_table_beside_users(
      refreshed_,
      ", factors pg_catalog._float4, bias pg_catalog.float4, n_ratings pg_catalog.int4, checksum "
      "pg_catalog.int8, duplicates pg_catalog.int4",
      model, user);
  progress_.enter(Phase::kReading);
  if (ids)
    execute("insert into " + wanted_ + " select pg_catalog.unnest($1)", {*ids});
  else
    find_changed();
  progress_.enter(Phase::kSolving);
  const std::string name = server([&] { return quote_literal_cstr(model.name.c_str()); });
  SourceNames names(ratings_.source());
  execute(
      "insert into " + refreshed_ + " select user_id, f.* from " + wanted_ +
      " w left join (select rated_by, pg_catalog.array_agg(" +
      as_element("rated_item", ratings_.id_type(Side::kItems)) +
      ") as items, pg_catalog.array_agg(als._checked_rating(rated_by, rated_item, rated)) as given "
      "from " +
      ratings_.rows() +
      " where rated is not null and rated_item is not null and exists (select from (select "
      "user_id as wanted_user from " +
      wanted_ + ") wanted where " + same("rated_by", "wanted_user") +
      ") group by rated_by) live on " + same("user_id", "rated_by") +
      " cross join lateral als._refreshed_user(" + name + "::pg_catalog.regclass, items, given) f");
  names.end();
  if (!ids && model.has_duplicates) keep_changed();
}

/// Those who have no row now, as an item of a FROM clause.
std::string SpreadRefresh::gone() const {
  return "(select user_id as gone_user from " + refreshed_ + " where factors is null) gone";
}

std::int64_t SpreadRefresh::removed() const {
  return count_rows("from " + users() + " u join " + gone() + " on " +
                    same("user_id", "gone_user"));
}

std::int64_t SpreadRefresh::write() {
  progress_.enter(Phase::kWriting);
  std::string columns = "factors, bias, n_ratings";
  std::string updates =
      "factors = excluded.factors, bias = excluded.bias, n_ratings = excluded.n_ratings";
  if (ratings_.has_checksums(Side::kUsers)) {
    columns += ", checksum";
    updates += ", checksum = excluded.checksum";
  }
  std::uint64_t written = execute("delete from " + users() + " u using " + gone() + " where " +
                                  same("user_id", "gone_user"));
  written += execute("insert into " + users() + " (user_id, " + columns + ") select user_id, " +
                     columns + " from " + refreshed_ +
                     " where factors is not null on conflict (user_id) do update set " + updates);
  std::int64_t duplicates = 0;
  for_each_current_row(
      "select coalesce(pg_catalog.sum(duplicates), 0)::pg_catalog.int8 from " + refreshed_,
      {INT8OID}, [&](TupleTableSlot* slot) { duplicates = DatumGetInt64(slot->tts_values[0]); });
  progress_.hide();
  execute("drop table " + wanted_ + ", " + refreshed_);
  if (written > 0) store_.renew_version(Side::kUsers, static_cast<std::size_t>(duplicates));
  return static_cast<std::int64_t>(written);
}

}  // namespace als::pg
