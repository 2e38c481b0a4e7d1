// als._chunk packs users and their ratings, and what is in a chunk.

#include "core/base/limits.h"
#include "core/chunks/held_out.h"
#include "pg/server/interrupts.h"
#include "pg/server/settings.h"
#include "pg/source/duplicate_error.h"
#include "pg/sql/array_elements.h"
#include "pg/steps/kept_chunks.h"
#include "pg/steps/packed_ratings.h"
#include "pg/steps/stored_chunk.h"

namespace als::pg {

bytea* store_chunk(UnpackedChunk&& chunk, std::pair<float, float> range,
                   const std::vector<std::uint64_t>& user_keys) {
  const std::size_t duplicates = chunk.duplicates;
  const ChunkFacts facts = chunk.by_user.facts;
  const std::uint64_t kept = keep_chunk(chunk);
  const PackedChunk bytes = kept == 0 ? packed(chunk)
                                      : PackedChunk{bytes_of(facts), bytes_of(facts),
                                                    std::move(chunk.held_out), duplicates};
  const ChunkHead head{
      duplicates, bytes.by_user.size(), bytes.held_out.size(), bytes.by_item.size(),
      kept,       range.first,          range.second};
  return bytea_of({bytes_of(head),
                   bytes.by_user,
                   bytes.held_out,
                   bytes.by_item,
                   {reinterpret_cast<const char*>(user_keys.data()),
                    user_keys.size() * sizeof(std::uint64_t)}});
}

StoredChunk::StoredChunk(FunctionCallInfo fcinfo, int index) : fcinfo_(fcinfo), index_(index) {
  const ByteView bytes = slice_arg(fcinfo, index, "chunk", 0, sizeof(head_));
  if (bytes.size() < sizeof(head_)) throw InvalidBytes("these bytes are too short for a chunk");
  std::memcpy(&head_, bytes.data(), sizeof(head_));
  for (const std::uint64_t size : {head_.by_user, head_.held_out, head_.by_item})
    if (size > MaxAllocSize) throw InvalidBytes("these bytes are no chunk");
}

ByteView StoredChunk::slice(std::uint64_t from, std::uint64_t n) const {
  from = std::min<std::uint64_t>(from + sizeof(head_), MaxAllocSize);
  return slice_arg(fcinfo_, index_, "chunk", from, std::min<std::uint64_t>(n, MaxAllocSize));
}

std::vector<std::uint64_t> StoredChunk::user_keys() const {
  std::vector<std::uint64_t> keys;
  const ByteView bytes = slice(head_.by_user + head_.held_out + head_.by_item, MaxAllocSize);
  keys.resize(bytes.size() / sizeof(std::uint64_t));
  std::memcpy(keys.data(), bytes.data(), keys.size() * sizeof(std::uint64_t));
  return keys;
}

std::vector<std::uint64_t> keys_arg(FunctionCallInfo fcinfo, int index) {
  if (PG_ARGISNULL(index)) return {};
  const ArrayElements keys = server([&] { return array_elements(PG_GETARG_DATUM(index)); });
  std::vector<std::uint64_t> result;
  result.reserve(static_cast<std::size_t>(keys.n));
  for (int i = 0; i < keys.n; ++i) {
    if (keys.nulls[i]) throw InvalidBytes("an id has no key");
    result.push_back(static_cast<std::uint64_t>(DatumGetInt64(keys.values[i])));
  }
  return result;
}

namespace {

/// The users of a chunk on their way.
struct ChunkState {
  ChunkId id{};
  std::uint32_t items = 0;
  OnDuplicate on_duplicate = OnDuplicate::kAverage;
  double holdout = 0;
  std::uint64_t seed = 0;
  std::vector<std::uint64_t> item_keys;
  std::optional<SessionNumbers> numbers;
  std::vector<std::uint64_t> user_keys;
  std::pair<float, float> range{INFINITY, -INFINITY};
  RatingBuffer rows;
};

enum ChunkArgument {
  kState,
  kRow,
  kUserKey,
  kPart,
  kNumber,
  kItems,
  kOnDuplicate,
  kHoldout,
  kSeed,
  kItemKeys,
  kNumbers
};

void set_up(ChunkState& chunk, FunctionCallInfo fcinfo) {
  const auto count = [&](int index, const char* name) {
    return static_cast<std::uint32_t>(int_arg(fcinfo, index, name, 0, PG_INT32_MAX));
  };
  chunk.id = {count(kPart, "part"), count(kNumber, "number")};
  chunk.items = count(kItems, "items");
  chunk.on_duplicate =
      static_cast<OnDuplicate>(int_arg(fcinfo, kOnDuplicate, "on_duplicate", 0, 3));
  chunk.holdout = float_arg(fcinfo, kHoldout, "holdout", 0, kMaxHoldout);
  require_arg(fcinfo, kSeed, "seed");
  chunk.seed = static_cast<std::uint64_t>(PG_GETARG_INT64(kSeed));
  chunk.item_keys = keys_arg(fcinfo, kItemKeys);
  if (chunk.holdout > 0 && chunk.item_keys.size() != chunk.items)
    throw InvalidBytes("there must be a key for each item");
  chunk.numbers.emplace(bytes_arg(fcinfo, kNumbers, "numbers"));
}

/// Adds what a session has read of a user, taken off some bytes.
void add_ratings(ChunkState& chunk, std::uint32_t user, ByteView& bytes) {
  const auto head = take_off<RatingsHead>(bytes);
  const std::vector<std::uint32_t>& numbers = chunk.numbers->of(head.session);
  const auto add = [&](const PackedRating& entry) {
    if (entry.item >= numbers.size() || numbers[entry.item] >= chunk.items ||
        !std::isfinite(entry.rating))
      throw InvalidBytes("a row has a rating of an item that there is none of");
    chunk.range.first = std::min(chunk.range.first, entry.rating);
    chunk.range.second = std::max(chunk.range.second, entry.rating);
    chunk.rows.append(user, numbers[entry.item], entry.rating);
  };
  if (head.kept != 0) {
    const auto first = take_off<std::uint64_t>(bytes);
    take_ratings(head, first, [&](const PackedRating* ratings, std::size_t n) {
      for (std::size_t i = 0; i < n; ++i) add(ratings[i]);
    });
    return;
  }
  if (head.ratings > bytes.size() / sizeof(PackedRating))
    throw InvalidBytes("these bytes are no row of ratings");
  for (std::uint64_t i = 0; i < head.ratings; ++i) add(take_off<PackedRating>(bytes));
}

/// Adds the next user.
void add_user(ChunkState& chunk, FunctionCallInfo fcinfo) {
  ByteView bytes = bytes_arg(fcinfo, kRow, "row");
  require_arg(fcinfo, kUserKey, "user_key");
  const auto user = static_cast<std::uint32_t>(chunk.user_keys.size());
  while (!bytes.empty()) add_ratings(chunk, user, bytes);
  chunk.user_keys.push_back(static_cast<std::uint64_t>(PG_GETARG_INT64(kUserKey)));
}

UnpackedChunk pack(ChunkState& chunk) {
  std::vector<std::uint32_t> rank(chunk.user_keys.size());
  for (std::size_t i = 0; i < rank.size(); ++i) rank[i] = static_cast<std::uint32_t>(i);
  const ChunkHoldout holdout{chunk.holdout, chunk.seed, chunk.user_keys,
                             [&](std::uint32_t item) { return chunk.item_keys[item]; }};
  ThreadTeam team = interruptible_team(default_threads());
  try {
    return make_chunk(chunk.id, std::move(chunk.rows), rank, chunk.items, chunk.on_duplicate, team,
                      chunk.holdout > 0 ? &holdout : nullptr);
  } catch (const DuplicateRating&) {
    throw UserError(ERRCODE_CARDINALITY_VIOLATION, "a user has several ratings for an item",
                    kHowToMergeDuplicates);
  }
}

/// Of each user, null for those that are not in the sample.
Datum sampled_ratings(FunctionCallInfo fcinfo) {
  const StoredChunk chunk(fcinfo, 0);
  const int buckets = int_arg(fcinfo, 1, "buckets", 1, PG_INT32_MAX);
  const std::shared_ptr<WeighedChunk> unpacked = unpacked_by_user(chunk);
  const std::vector<std::uint64_t> keys = chunk.user_keys();
  if (keys.size() != unpacked->rows.rows()) throw InvalidBytes("a chunk has no key of each user");
  std::vector<Datum> values(keys.size());
  const std::unique_ptr<bool[]> nulls(new bool[keys.size()]);
  std::vector<PackedRating> packed;
  for (std::size_t user = 0; user < keys.size(); ++user) {
    nulls[user] = bucket_of(keys[user], buckets) != 0;
    if (nulls[user]) continue;
    packed.clear();
    const RowRatings ratings = ratings_of(unpacked->rows, user);
    for (std::size_t e = 0; e < ratings.count; ++e)
      packed.push_back({ratings.columns[e], ratings.values[e]});
    values[user] = bytea_datum(
        {reinterpret_cast<const char*>(packed.data()), packed.size() * sizeof(PackedRating)});
  }
  return server([&] {
    int size = static_cast<int>(keys.size());
    int first = 1;
    return PointerGetDatum(construct_md_array(values.data(), nulls.get(), 1, &size, &first,
                                              BYTEAOID, -1, false, TYPALIGN_INT));
  });
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_add_to_chunk)
ALS_SQL_FUNCTION(als_chunk_bytes)
ALS_SQL_FUNCTION(als_chunk_facts)
ALS_SQL_FUNCTION(als_sampled_ratings)
ALS_SQL_FUNCTION(als_judging_hashes)

/// als._add_to_chunk(state internal, row bytea, user_key bigint, part int, number int, items int,
/// on_duplicate int, holdout float8, seed bigint, item_keys bigint[], numbers bytea): internal
Datum als_add_to_chunk(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  PG_RETURN_POINTER(guard_bytes([&] {
    ChunkState* chunk = AggregateState<ChunkState>::of_or_made(fcinfo, [&](MemoryContext context) {
      ChunkState* made = keep_in<ChunkState>(context);
      set_up(*made, fcinfo);
      return made;
    });
    add_user(*chunk, fcinfo);
    return chunk;
  }));
}

/// als._chunk_bytes(state internal): bytea
Datum als_chunk_bytes(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  if (PG_ARGISNULL(0)) PG_RETURN_NULL();
  PG_RETURN_BYTEA_P(guard_bytes([&] {
    ChunkState& chunk = *AggregateState<ChunkState>::of(fcinfo);
    return store_chunk(pack(chunk), chunk.range, chunk.user_keys);
  }));
}

/// als._chunk_facts(chunk bytea): (users int, ratings bigint, mean float8, squares float8,
/// duplicates bigint, lowest real, highest real)
Datum als_chunk_facts(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard_bytes([&] {
    const StoredChunk chunk(fcinfo, 0);
    const als::ChunkFacts facts = chunk.facts();
    return server([&] {
      TupleDesc columns;
      if (get_call_result_type(fcinfo, nullptr, &columns) != TYPEFUNC_COMPOSITE)
        elog(ERROR, "return type must be a row type");
      Datum values[] = {Int32GetDatum(static_cast<int32>(facts.users)),
                        Int64GetDatum(static_cast<int64>(facts.moments.count)),
                        Float8GetDatum(facts.moments.mean),
                        Float8GetDatum(facts.moments.squares),
                        Int64GetDatum(static_cast<int64>(chunk.head().duplicates)),
                        Float4GetDatum(chunk.head().lowest),
                        Float4GetDatum(chunk.head().highest)};
      bool nulls[7] = {};
      return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(columns), values, nulls));
    });
  });
}

/// als._sampled_ratings(chunk bytea, buckets int): bytea[], the ratings of each user who is in the
/// first of so many buckets, and null for others
Datum als_sampled_ratings(PG_FUNCTION_ARGS) {
  return als::pg::guard_step(fcinfo, [&] { return als::pg::sampled_ratings(fcinfo); });
}

/// als._judging_hashes(chunk bytea): bigint[], see core/chunks/held_out.h
Datum als_judging_hashes(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard_bytes([&] {
    std::vector<Datum> hashes;
    for (const std::uint64_t hash : als::judging_hashes(StoredChunk(fcinfo, 0).held_out()))
      hashes.push_back(Int64GetDatum(static_cast<int64>(hash)));
    return PointerGetDatum(server([&] {
      return construct_array(hashes.data(), static_cast<int>(hashes.size()), INT8OID, sizeof(int64),
                             FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
    }));
  });
}
