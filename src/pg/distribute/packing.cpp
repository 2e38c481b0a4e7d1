// Deals users out to parts and chunks by hashes of their ids, and packs what they have rated.
#include "pg/distribute/packing.h"

#include "core/evaluate/holdout_metrics.h"
#include "core/parts/part_sums.h"
#include "pg/distribute/sql_steps.h"
#include "pg/ids/id_equality.h"
#include "pg/source/duplicate_error.h"
#include "pg/source/rating_reader.h"
#include "pg/sql/params.h"

namespace als::pg {

namespace {

// Of a chunk's users the factors are to be a few megabytes, and of its ratings some ten.
constexpr std::int64_t kFactorBytesInChunk = 4 << 20;
constexpr std::int64_t kRatingsInChunk = 2'000'000;

// Of a slice's state, which holds about four vectors an item.
constexpr std::uint32_t kSliceBytes = 16 << 20;

// Of ratings that statistics are made of.
constexpr std::int64_t kSample = 2'000'000;

constexpr std::int64_t kMaxValue = 0x3fffffff;

/// Runs a statement that reads the source and writes, under the snapshot that is active: nothing is
/// seen of what others have committed since, and all that this transaction has done.
std::uint64_t write_from_source(const std::string& sql, std::initializer_list<Oid> types = {},
                                const std::vector<Param>& params = {}) {
  std::vector<Datum> values;
  values.reserve(params.size());
  for (const Param& param : params) values.push_back(param.value);
  SPIPlanPtr plan = prepare(sql, types);
  return server([&] {
    const int code = SPI_execute_snapshot(plan, values.data(), nullptr, GetActiveSnapshot(),
                                          InvalidSnapshot, false, true, 0);
    if (code < 0) elog(ERROR, "SPI_execute_snapshot failed: %s", SPI_result_code_string(code));
    return SPI_processed;
  });
}

/// Hands what a query finds in the snapshot of all passes over the source to take(slot).
template <class Take>
void read_source(const std::string& sql, const std::vector<Oid>& types, Take&& take) {
  for_each_row(prepare(sql), {}, types, take);
}

/// Hands what a query finds, as it is now, to take(slot).
template <class Take>
void read_rows(const std::string& sql, const std::vector<Oid>& types, Take&& take) {
  SnapshotScope snapshot;
  read_source(sql, types, take);
  snapshot.pop();
}

std::vector<std::uint64_t> keys_by_rank(const IdDictionary& ids,
                                        const std::vector<std::uint32_t>& rank) {
  std::vector<std::uint64_t> keys(rank.size());
  server([&] {
    for (std::uint32_t i = 0; i < rank.size(); ++i) keys[rank[i]] = id_hash(ids.type(), ids.id(i));
  });
  return keys;
}

}  // namespace

std::string Packing::if_kept() const {
  const DescribedSource& source = request_.source;
  std::string condition = "where " + quoted(source.user_col) + " is not null and " +
                          quoted(source.item_col) + " is not null";
  if (source.rating_col) condition += " and " + quoted(*source.rating_col) + " is not null";
  return condition;
}

std::string Packing::rows_that_count() const {
  return request_.source.rows_that_count() + " " + if_kept();
}

void Packing::check_duplicates() const {
  const DescribedSource& source = request_.source;
  SourceNames names(source);
  const std::string pair = quoted(source.user_col) + ", " + quoted(source.item_col);
  const IdType& user_type = *source.id_types.users;
  const IdType& item_type = *source.id_types.items;
  read_source("select " + pair + " from " + rows_that_count() + " group by " + pair +
                  " having pg_catalog.count(*) operator(pg_catalog.>) 1 order by " + pair +
                  " limit 1",
              {user_type.oid, item_type.oid}, [&](TupleTableSlot* slot) {
                throw_duplicate_rating(
                    user_type, slot->tts_values[0], item_type, slot->tts_values[1], "",
                    "Use on_duplicate => 'average' or 'sum', or 'last' with a time_col, or group "
                    "the source by user and item.");
              });
  names.end();
}

std::int64_t Packing::users_in_chunk() const {
  const std::int64_t by_factors =
      kFactorBytesInChunk / (static_cast<std::int64_t>(sizeof(float)) * request_.factors);
  const std::int64_t by_ratings = kRatingsInChunk * counts_.users / counts_.kept;
  return std::max<std::int64_t>(std::min(by_factors, by_ratings), 1);
}

std::uint32_t Packing::slice_items() const {
  return std::max<std::uint32_t>(kSliceBytes / (16 * static_cast<std::uint32_t>(request_.factors)),
                                 1);
}

/// In the order of the ids, so that numbers depend on them alone. An item without a row that counts
/// has no number, and goes again.
void Packing::count() {
  const DescribedSource& source = request_.source;
  const std::string item = quoted(source.item_col);
  SourceNames names(source);
  write_from_source(
      "insert into " + workspace_.items() +
      " select case when kept operator(pg_catalog.>) 0 then pg_catalog.row_number() over "
      "(partition by kept operator(pg_catalog.>) 0 order by item_id) operator(pg_catalog.-) 1 end, "
      "item_id, als._id_key(item_id), n, kept from (select " +
      item + " as item_id, pg_catalog.count(*) as n, pg_catalog.count(*) filter (" + if_kept() +
      ") as kept from " + source.rows_that_count() + " group by " + item + ") items");
  names.end();
  std::int64_t items = 0;
  read_rows(
      "select coalesce(pg_catalog.sum(n), 0)::pg_catalog.int8, coalesce(pg_catalog.sum(kept), "
      "0)::pg_catalog.int8, pg_catalog.count(idx) from " +
          workspace_.items(),
      {INT8OID, INT8OID, INT8OID}, [&](TupleTableSlot* slot) {
        counts_.rows = DatumGetInt64(slot->tts_values[0]);
        counts_.kept = DatumGetInt64(slot->tts_values[1]);
        items = DatumGetInt64(slot->tts_values[2]);
      });
  check_counts(items);
  items_ = static_cast<std::uint32_t>(items);
  if (counts_.rows > counts_.kept)
    execute("delete from " + workspace_.items() + " where idx is null");
}

void Packing::analyze_items() {
  // Citus analyzes no table after it has read another in the same transaction.
  if (!workspace_.distributed()) execute("analyze " + workspace_.items());
}

void Packing::check_counts(std::int64_t items) const {
  if (counts_.kept == 0)
    throw UserError(ERRCODE_NO_DATA_FOUND, "the source has no ratings",
                    "A row counts when its user, item and rating are not null.",
                    format("%lld rows read, all of them skipped for a null.",
                           static_cast<long long>(counts_.rows)));
  if (items > kMaxPartsItems)
    throw UserError(ERRCODE_PROGRAM_LIMIT_EXCEEDED,
                    format("a distributed training has %u items at most, and the source has %lld",
                           kMaxPartsItems, static_cast<long long>(items)),
                    "Leave rare items out, or train with distributed => false.");
  const std::int64_t block = items * request_.factors * static_cast<std::int64_t>(sizeof(float));
  if (block + block / 8 > kMaxValue)
    throw UserError(ERRCODE_PROGRAM_LIMIT_EXCEEDED,
                    format("the vectors of %lld items are more than a value of 1 GB holds",
                           static_cast<long long>(items)),
                    "Train with fewer factors, or leave rare items out.");
  if (request_.on_duplicate == OnDuplicate::kError) check_duplicates();
}

void Packing::pack() {
  const DescribedSource& source = request_.source;
  const auto parts = static_cast<int>(workspace_.parts().size());
  const int places = PG_INT32_MAX / parts;  // of each part, in the order of which chunks have users
  const std::string same_item =
      server([&] { return equals_condition(*source.id_types.items, "item_id", "rated_item"); });
  const std::string user = quoted(source.user_col);
  SourceNames names(source);
  counts_.users = static_cast<std::int64_t>(write_from_source(
      "insert into " + workspace_.rows() +
          " select ($3)[bucket operator(pg_catalog./) $2 operator(pg_catalog.+) 1], bucket "
          "operator(pg_catalog.%) $2, user_id, ratings from (select user_id, als._bucket(user_id, "
          "$1) as bucket, als._row(idx, rating) as ratings from (select " +
          user + " as user_id, " + quoted(source.item_col) + " as rated_item, " +
          source.rating_as_float8() + " as rating from " + rows_that_count() + ") rated join " +
          workspace_.items() + " items on " + same_item + " group by user_id) users",
      {INT4OID, INT4OID, INT4ARRAYOID},
      {int_param(places * parts), int_param(places), int4_array_param(workspace_.parts())}));
  names.end();
  const std::int64_t chunks = counts_.users / parts / users_in_chunk() + 1;  // of each part
  const std::string keys =
      request_.holdout > 0
          ? "(select pg_catalog.array_agg(key order by idx) from " + workspace_.items() + ")"
          : "null";
  execute("insert into " + workspace_.chunks() +
              " select part, number, pg_catalog.array_agg(user_id), als._chunk(ratings, "
              "als._id_key(user_id), part, number, $1, $2, $5, $6, " +
              keys +
              ") from (select part, (place "
              "operator(pg_catalog.*) $3 operator(pg_catalog./) $4)::pg_catalog.int4 as number, "
              "user_id, ratings from " +
              workspace_.rows() + " order by 1, 2, 3) users group by part, number",
          {int_param(static_cast<int>(items_)), int_param(static_cast<int>(request_.on_duplicate)),
           bigint_param(chunks), bigint_param(places), float_param(request_.holdout),
           bigint_param(static_cast<std::int64_t>(request_.seed))});
  workspace_.empty(workspace_.rows());
  execute("insert into " + workspace_.users() + " select part, number, null from " +
          workspace_.chunks());
  gather_facts();
}

void Packing::gather_facts() {
  counts_.users = 0;
  counts_.range = {INFINITY, -INFINITY};
  read_rows("select facts.* from " + workspace_.chunks() +
                ", lateral als._chunk_facts(chunk) facts order by part, number",
            {INT4OID, INT8OID, FLOAT8OID, FLOAT8OID, INT8OID, FLOAT4OID, FLOAT4OID},
            [&](TupleTableSlot* slot) {
              const Datum* values = slot->tts_values;
              counts_.range = {std::min(counts_.range.first, DatumGetFloat4(values[5])),
                               std::max(counts_.range.second, DatumGetFloat4(values[6]))};
              counts_.users += DatumGetInt32(values[0]);
              moments_.add({static_cast<std::uint64_t>(DatumGetInt64(values[1])),
                            DatumGetFloat8(values[2]), DatumGetFloat8(values[3])});
              duplicates_ += DatumGetInt64(values[4]);
            });
}

Ratings Packing::sample(ThreadTeam& team) const {
  RatingReader reader(request_.source);
  const std::string condition =
      "als._bucket(" + quoted(request_.source.user_col) + ", $1) operator(pg_catalog.=) 0";
  reader.read([] {}, condition.c_str(), int_param(static_cast<int>(counts_.kept / kSample) + 1));
  const auto ranks_of = [](const IdDictionary& ids) {
    std::vector<std::uint32_t> ranks(ids.size());
    server([&] { ids.rank(ranks.data()); });
    return ranks;
  };
  const std::vector<std::uint32_t> users = ranks_of(reader.users());
  const std::vector<std::uint32_t> items = ranks_of(reader.items());
  const HoldoutRule rule{request_.holdout, request_.seed, keys_by_rank(reader.users(), users),
                         keys_by_rank(reader.items(), items)};
  return Ratings(reader.take_buffer(), users, items, request_.on_duplicate, team,
                 request_.holdout > 0 ? &rule : nullptr);
}

/// That of the last of the users who are looked at.
std::uint64_t Packing::greatest_judged_hash() const {
  std::uint64_t greatest = 0;
  read_rows("select hash from (select pg_catalog.unnest(als._judging_hashes(chunk)) as hash from " +
                workspace_.chunks() + ") users order by hash limit " + std::to_string(kJudgedUsers),
            {INT8OID}, [&](TupleTableSlot* slot) {
              greatest = static_cast<std::uint64_t>(DatumGetInt64(slot->tts_values[0]));
            });
  return greatest;
}

void Packing::make_slices(PartsTraining& training, const std::string& known_items) {
  workspace_.create_slices(training.slices());
  const Param last = int_param(static_cast<int>(training.slices()) - 1);
  {
    const BytesParam param(training.bytes());
    execute(
        "insert into " + workspace_.sums() +
            " select slice, part, als._piece(pieces, slice) from (select part, "
            "als._part_totals($1, part, chunk) as pieces from (select part, number, chunk from " +
            workspace_.chunks() +
            " order by part, number) chunks group by part) parts cross join " +
            for_each_slice("$2"),
        {param, last});
  }
  execute("insert into " + workspace_.totals() +
          " select slice, als._sum_pieces(piece) from (select slice, piece from " +
          workspace_.sums() + " order by slice, part) pieces group by slice");
  workspace_.empty(workspace_.sums());
  training.zero_loss = zero_loss(fetch_bytes(
      "select pg_catalog.string_agg(totals, '' order by slice) from " + workspace_.totals()));
  const BytesParam param(training.bytes());
  std::string known = "null::pg_catalog.bytea";
  std::string join;
  if (!known_items.empty()) {
    known = "als._known(idx operator(pg_catalog.%) $3, known_factors, known_bias)";
    join = " left join " + known_items + " on " + server([&] {
             return equals_condition(*request_.source.id_types.items, "item_id", "known_id");
           });
  }
  execute("insert into " + workspace_.slices() +
              " select t.slice, als._make_slice($1, t.slice, totals, keys, $2, known) from " +
              workspace_.totals() +
              " t join (select idx operator(pg_catalog./) $3 as slice, pg_catalog.array_agg(key "
              "order by idx) as keys, " +
              known + " as known from " + workspace_.items() + join +
              " group by 1) k on t.slice operator(pg_catalog.=) k.slice",
          {param, float_param(moments_.spread()), int_param(static_cast<int>(slice_items()))});
}

std::vector<RatingTotals> Packing::totals() const {
  std::vector<RatingTotals> all;
  read_rows("select totals from " + workspace_.totals() + " order by slice", {BYTEAOID},
            [&](TupleTableSlot* slot) {
              bytea* value = server([&] { return DatumGetByteaPP(slot->tts_values[0]); });
              const std::vector<RatingTotals> some =
                  rating_totals({VARDATA_ANY(value), VARSIZE_ANY_EXHDR(value)});
              all.insert(all.end(), some.begin(), some.end());
            });
  return all;
}

}  // namespace als::pg
