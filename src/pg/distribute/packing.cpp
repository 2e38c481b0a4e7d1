// Deals users out to parts and chunks by hashes of their ids, and packs what they have rated.
#include "pg/distribute/packing.h"

#include <numeric>

#include "core/evaluate/holdout_metrics.h"
#include "core/parts/part_sums.h"
#include "pg/distribute/packing_statements.h"
#include "pg/distribute/sql_steps.h"
#include "pg/ids/id_dictionary.h"
#include "pg/ids/id_equality.h"
#include "pg/source/duplicate_error.h"
#include "pg/sql/bytea_value.h"
#include "pg/sql/params.h"
#include "pg/steps/packed_ratings.h"

namespace als::pg {

namespace {

// Of a chunk's users the factors are to be a few megabytes, and of its ratings some ten.
constexpr std::int64_t kFactorBytesInChunk = 4 << 20;
constexpr std::int64_t kRatingsInChunk = 2'000'000;

// Of a slice's state, which holds about four vectors an item. Pieces of small ones are copied
// within the processor's cache and into memory that is at hand; but each slice reports K^2 numbers.
constexpr std::uint32_t kSliceBytes = 16 << 20;
constexpr std::uint32_t kSmallSliceBytes = 2 << 20;
constexpr std::uint32_t kFewSlices = 32;

// A state is one value, and so are the reports of all slices together: with many factors there are
// fewer and larger ones.
constexpr std::uint32_t kMostSliceBytes = 900U << 20;
constexpr std::int64_t kReportsBytes = std::int64_t{512} << 20;

// Of ratings that statistics are made of.
constexpr std::int64_t kSample = 500'000;

constexpr std::int64_t kMaxValue = 0x3fffffff;

/// Hands what a query finds in the snapshot of all passes over the source to take(slot).
template <class Take>
void read_source(const std::string& sql, const std::vector<Oid>& types, Take&& take) {
  for_each_row(prepare(sql), {}, types, take);
}

}  // namespace

std::uint64_t Packing::write_from_source(const std::string& sql, std::initializer_list<Oid> types,
                                         const std::vector<Param>& params) {
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

void Packing::check_duplicates() {
  SourceNames names(request_.source);
  read_source(duplicate_query(request_.source), id_types(),
              [&](TupleTableSlot* slot) { throw_duplicate(slot); });
  names.end();
}

std::vector<Oid> Packing::id_types() const {
  return {request_.source.id_types.users->oid, request_.source.id_types.items->oid};
}

void Packing::throw_duplicate(TupleTableSlot* slot) const {
  throw_duplicate_rating(*request_.source.id_types.users, slot->tts_values[0],
                         *request_.source.id_types.items, slot->tts_values[1], "",
                         kHowToMergeDuplicates);
}

std::int64_t Packing::users_in_chunk() const {
  const std::int64_t by_factors =
      kFactorBytesInChunk / (static_cast<std::int64_t>(sizeof(float)) * request_.factors);
  const std::int64_t by_ratings = kRatingsInChunk * counts_.users / counts_.kept;
  return std::max<std::int64_t>(std::min(by_factors, by_ratings), 1);
}

/// Three triangles of K^2 numbers of double precision, see SideSums.
std::int64_t Packing::report_bytes() const {
  return std::int64_t{12} * request_.factors * request_.factors;
}

std::uint32_t Packing::slice_items() const {
  const auto items_in = [&](std::uint32_t bytes) {
    return std::max<std::uint32_t>(bytes / (16 * static_cast<std::uint32_t>(request_.factors)), 1);
  };
  const auto most_slices = static_cast<std::uint32_t>(kReportsBytes / report_bytes());
  const std::uint32_t least = (items() - 1) / most_slices + 1;
  const std::uint32_t most =
      std::min(std::max(least, std::clamp((items() - 1) / kFewSlices + 1,
                                          items_in(kSmallSliceBytes), items_in(kSliceBytes))),
               items_in(kMostSliceBytes));
  const auto parts = static_cast<std::uint32_t>(workspace_.parts().size());
  const std::uint32_t slices = ((items() - 1) / most / parts + 1) * parts;
  return (items() - 1) / slices + 1;
}

void Packing::read() {
  read_numbers(request_.source, [&] { gather_rows(); });
  read_counts();
  check_counts();
  number_items();
  items_ = count_rows("from " + workspace_.items());
  check_items();
  if (request_.on_duplicate == OnDuplicate::kError) check_duplicates();
}

Param Packing::places_param(const std::vector<int>& parts) const {
  // Sessions of Citus have been told by Workspace which parts are theirs.
  std::vector<std::int64_t> numbers{workspace_.training(), places_in_part(),
                                    workspace_.distributed() ? -request_.shards : 1};
  numbers.insert(numbers.end(), parts.begin(), parts.end());
  return bigint_array_param(numbers);
}

void Packing::gather_rows() {
  SourceNames names(request_.source);
  write_from_source(rows_statement(request_.source, workspace_), {INT8ARRAYOID},
                    {places_param(workspace_.parts())});
  names.end();
}

void Packing::read_counts() {
  for_each_current_row(counts_query(workspace_), count_types(),
                       [&](TupleTableSlot* slot) { add_counts(slot); });
}

void Packing::add_counts(TupleTableSlot* slot) {
  counts_.rows += DatumGetInt64(slot->tts_values[0]);
  counts_.kept += DatumGetInt64(slot->tts_values[1]);
  counts_.users += DatumGetInt64(slot->tts_values[2]);
}

/// In the order of the ids, so that numbers depend on them alone.
void Packing::number_items() { execute(number_statement(workspace_, item_query(workspace_))); }

void Packing::analyze_items() {
  // Citus analyzes no table after it has read another in the same transaction.
  if (!workspace_.distributed()) execute("analyze " + workspace_.items());
}

void Packing::check_counts() const {
  if (counts_.kept == 0)
    throw UserError(
        ERRCODE_NO_DATA_FOUND, "the source has no ratings",
        "A row counts when its user, item and rating are not null.",
        format("%lld rows read, %lld of them skipped for a null.",
               static_cast<long long>(counts_.rows), static_cast<long long>(counts_.rows)));
}

void Packing::check_items() const {
  if (items_ > kMaxPartsItems)
    throw UserError(ERRCODE_PROGRAM_LIMIT_EXCEEDED,
                    format("a distributed training has %u items at most, and the source has %lld",
                           kMaxPartsItems, static_cast<long long>(items_)),
                    "Leave rare items out, or train with distributed => false.");
  const std::int64_t slices = (items_ - 1) / slice_items() + 1;
  if (slices * report_bytes() > kMaxValue)
    throw UserError(
        ERRCODE_PROGRAM_LIMIT_EXCEEDED,
        format("the sums of %lld slices, each of %d factors, are more than a value of 1 GB holds",
               static_cast<long long>(slices), request_.factors),
        "Train with fewer factors, in fewer parts, or leave rare items out.");
}

void Packing::pack() {
  execute(numbers_statement(workspace_, *request_.source.id_types.items));
  execute(chunks_statement(workspace_, request_.holdout > 0), chunk_params());
  workspace_.done_with(workspace_.rows());
  workspace_.empty();
  execute(first_users_statement(workspace_));
  for_each_current_row(facts_query(workspace_), fact_types(),
                       [&](TupleTableSlot* slot) { add_facts(slot); });
}

int Packing::places_in_part() const {
  return PG_INT32_MAX / static_cast<int>(workspace_.parts().size());
}

std::int64_t Packing::chunks_in_part() const {
  const auto parts = static_cast<std::int64_t>(workspace_.parts().size());
  return counts_.users / parts / users_in_chunk() + 1;
}

std::vector<Param> Packing::chunk_params() const {
  return {
      int_param(static_cast<int>(items_)), int_param(static_cast<int>(request_.on_duplicate)),
      bigint_param(chunks_in_part()),      bigint_param(places_in_part()),
      float_param(request_.holdout),       bigint_param(static_cast<std::int64_t>(request_.seed))};
}

void Packing::add_facts(TupleTableSlot* slot) {
  const Datum* values = slot->tts_values;
  if (moments_.count == 0) counts_.range = {INFINITY, -INFINITY};
  counts_.range = {std::min(counts_.range.first, DatumGetFloat4(values[7])),
                   std::max(counts_.range.second, DatumGetFloat4(values[8]))};
  moments_.add({static_cast<std::uint64_t>(DatumGetInt64(values[3])), DatumGetFloat8(values[4]),
                DatumGetFloat8(values[5])});
  duplicates_ += DatumGetInt64(values[6]);
}

Ratings Packing::sample(ThreadTeam& team) {
  return sample_of(sample_query(workspace_, sample_buckets()), team);
}

int Packing::sample_buckets() const { return static_cast<int>(counts_.kept / kSample) + 1; }

/// In the order of the ids, as a training in one place has all ratings.
Ratings Packing::sample_of(const std::string& query, ThreadTeam& team) const {
  const IdType& type = *request_.source.id_types.users;
  IdDictionary users(&type);
  RatingBuffer ratings;
  for_each_current_row(query, {type.oid, BYTEAOID}, [&](TupleTableSlot* slot) {
    std::uint32_t user = 0;
    server([&] { guard([&] { user = users.find_or_add(slot->tts_values[0]); }); });
    ByteView bytes = view_of_bytea(slot->tts_values[1]);
    while (!bytes.empty()) {
      const auto rating = take_off<PackedRating>(bytes);
      if (rating.item >= items() || !std::isfinite(rating.rating))
        throw InvalidBytes("a sample has a rating of an item that there is none of");
      ratings.append(user, rating.item, rating.rating);
    }
  });
  std::vector<std::uint32_t> ranks(users.size());
  server([&] { users.rank(ranks.data()); });
  std::vector<std::uint32_t> same_items(items());
  std::iota(same_items.begin(), same_items.end(), 0U);
  return Ratings(std::move(ratings), ranks, same_items, request_.on_duplicate, team);
}

/// That of the last of the users who are looked at.
std::uint64_t Packing::greatest_judged_hash() {
  return greatest_of(judged_hashes_query(workspace_, kJudgedUsers));
}

std::uint64_t Packing::greatest_of(const std::string& hashes) const {
  std::uint64_t greatest = 0;
  for_each_current_row(hashes, {INT8OID}, [&](TupleTableSlot* slot) {
    greatest = static_cast<std::uint64_t>(DatumGetInt64(slot->tts_values[0]));
  });
  return greatest;
}

void Packing::sum_totals(const Param& training, std::uint32_t slices) {
  execute("insert into " + workspace_.sums() + " " + totals_query(workspace_),
          {training, int4_array_param(workspace_.slice_places(slices))});
}

void Packing::make_slices(PartsTraining& training, const std::string& known_items) {
  workspace_.create_slices();
  {
    const BytesParam param(training.bytes());
    sum_totals(param, training.slices());
  }
  execute("insert into " + workspace_.totals() +
          " select place, slice, als._sum_pieces(piece) from (select place, slice, piece from " +
          workspace_.sums() + " order by place, slice, part) pieces group by place, slice");
  workspace_.done_with(workspace_.sums());
  workspace_.empty();
  training.zero_loss =
      zero_loss(fetch_bytes("select pg_catalog.string_agg(totals, '' order by slice) from " +
                            workspace_.totals()),
                training);
  const BytesParam param(training.bytes());
  std::string known = "null::pg_catalog.bytea";
  std::string join;
  if (!known_items.empty()) {
    known = "als._known(idx operator(pg_catalog.%) $3, known_factors, known_bias)";
    join = " left join " + known_items + " on " + server([&] {
             return equals_condition(*request_.source.id_types.items, "item_id", "known_id");
           });
  }
  execute(
      "insert into " + workspace_.slices() +
          " select t.place, t.slice, als._make_slice($1, t.slice, totals, keys, $2, known) from " +
          workspace_.totals() +
          " t join (select idx operator(pg_catalog./) $3 as slice, pg_catalog.array_agg(key "
          "order by idx) as keys, " +
          known + " as known from " + workspace_.items() + join +
          " group by 1) k on t.slice operator(pg_catalog.=) k.slice",
      {param, float_param(moments_.spread()), int_param(static_cast<int>(slice_items()))});
}

std::vector<RatingTotals> Packing::totals() const {
  std::vector<RatingTotals> all;
  for_each_current_row("select totals from " + workspace_.totals() + " order by slice", {BYTEAOID},
                       [&](TupleTableSlot* slot) {
                         const std::vector<RatingTotals> some =
                             rating_totals(view_of_bytea(slot->tts_values[0]));
                         all.insert(all.end(), some.begin(), some.end());
                       });
  return all;
}

}  // namespace als::pg
