// Puts ratings in memory down by user, and users down as rows.
#include "pg/steps/rating_collector.h"

#include <map>
#include <numeric>
#include <tuple>

#include "pg/server/random_number.h"
#include "pg/server/settings.h"

namespace als::pg {

namespace {

constexpr std::uint32_t kItemsInRow = 1 << 16;
constexpr std::size_t kRatingsInRun = std::size_t{1} << 16;  // or one user's: half a megabyte

/// Of this session. An entry goes with its collector.
std::map<std::int64_t, RatingCollector*>& collectors() {
  static std::map<std::int64_t, RatingCollector*> all;
  return all;
}

TupleDesc columns_of(const DescribedSource& source) {
  return server([&] {
    TupleDesc columns = CreateTemplateTupleDesc(7);
    const Oid items = id_array_type(*source.id_types.items);
    const std::pair<const char*, Oid> all[] = {
        {"part", INT4OID},    {"place", INT4OID}, {"user_id", source.id_types.users->oid},
        {"items", items},     {"n", INT8OID},     {"kept", INT8OID},
        {"ratings", BYTEAOID}};
    AttrNumber number = 0;
    for (const auto& [name, type] : all) TupleDescInitEntry(columns, ++number, name, type, -1, 0);
    return columns;
  });
}

NullableDatum known(Datum value) { return {value, false}; }
constexpr NullableDatum kNull{0, true};

}  // namespace

RatingCollector::RatingCollector(const DescribedSource& source, CollectorPlaces places,
                                 MemoryContext query)
    : source_(source),
      places_(std::move(places)),
      query_(query),
      subtransaction_(GetCurrentSubTransactionId()),
      number_(static_cast<std::int64_t>(random_number())),
      items_(SessionItems::of(places_.training, source.id_types.items->oid,
                              source.id_types.items->collation)),
      columns_(columns_of(source_)),
      result_context_("als collected ratings"),
      result_(server([&] {
        MemoryContext old = MemoryContextSwitchTo(result_context_.get());
        Tuplestorestate* result = tuplestore_begin_heap(true, false, work_mem);
        MemoryContextSwitchTo(old);
        return result;
      })),
      rows_(std::in_place, source_) {
  collectors()[number_] = this;
}

/// The query has ended. Files of rows that nobody has taken are closed, which the server would warn
/// of; after an error, and with the subtransaction that they are of, it has done so itself.
RatingCollector::~RatingCollector() {
  collectors().erase(number_);
  if (!is_taken_ && IsTransactionState() && !is_lost()) tuplestore_end(result_);
}

RatingCollector& RatingCollector::of(std::int64_t number, MemoryContext query) {
  const auto found = collectors().find(number);
  if (found == collectors().end() || found->second->query_ != query || found->second->is_lost())
    throw InvalidBytes("no rows have been collected here");
  return *found->second;
}

/// A rating is in the buffer, and then in its row.
void RatingCollector::check_memory() {
  since_check_ = 0;
  const std::size_t need = rows_->ratings() * (sizeof(RatingBuffer::Entry) + sizeof(PackedRating)) +
                           rows_->users().bytes() + rows_->items().bytes();
  if (need > max_memory() / 4) flush();
}

/// The session's numbers of the items that are in memory.
std::vector<std::uint32_t> RatingCollector::number_items() {
  const IdDictionary& items = rows_->items();
  std::vector<std::uint32_t> numbers(items.size());
  server([&] {
    guard([&] {
      for (std::uint32_t i = 0; i < numbers.size(); ++i)
        numbers[i] = items_->ids().find_or_add(items.id(i));
    });
  });
  return numbers;
}

/// The part of a user. Those of a shard have one part, which lies with the shard where Citus has
/// dealt out both in turn, as it does: their ratings need not travel. Elsewhere, and where there
/// would be fewer, there are as many shards as parts.
std::size_t RatingCollector::part_of(std::uint32_t user) const {
  const IdType& type = *source_.id_types.users;
  const std::size_t parts = places_.parts.size();
  const std::optional<std::int32_t> hash = server([&]() -> std::optional<std::int32_t> {
    TypeCacheEntry* cache = lookup_type_cache(type.oid, TYPECACHE_HASH_PROC_FINFO);
    if (!OidIsValid(cache->hash_proc)) return std::nullopt;
    return DatumGetInt32(
        FunctionCall1Coll(&cache->hash_proc_finfo, type.collation, rows_->users().id(user)));
  });
  if (!hash)
    return static_cast<std::size_t>(
        bucket_of(rows_->users().hashes()[user], static_cast<std::int64_t>(parts)));
  return shard_of(*hash, std::max<std::uint64_t>(places_.shards, parts)) % parts;
}

RatingCollector::Place RatingCollector::place_of(std::uint32_t user) const {
  return {places_.parts[part_of(user)],
          static_cast<int>(bucket_of(rows_->users().hashes()[user], places_.places))};
}

std::vector<RatingCollector::Place> RatingCollector::places_of_users() const {
  std::vector<Place> places(rows_->users().size());
  for (std::uint32_t user = 0; user < places.size(); ++user) places[user] = place_of(user);
  return places;
}

/// Those of whom the ratings stay here. counts: of the users' ratings.
std::vector<bool> RatingCollector::users_that_stay(const std::vector<std::size_t>& counts,
                                                   const std::vector<Place>& places) const {
  const std::vector<int>& own = own_parts(places_.training);
  std::vector<bool> stay(counts.size());
  std::size_t ratings = 0;
  for (std::uint32_t user = 0; user < stay.size(); ++user) {
    stay[user] =
        places_.all_own || std::find(own.begin(), own.end(), places[user].part) != own.end();
    if (stay[user]) ratings += counts[user];
  }
  if (!ratings_can_be_kept(ratings)) stay.assign(stay.size(), false);
  return stay;
}

/// All users, those first whose ratings leave, and then in the order in which chunks take them.
std::vector<std::uint32_t> RatingCollector::users_in_order(const std::vector<bool>& stay,
                                                           const std::vector<Place>& places) const {
  std::vector<std::uint32_t> order(stay.size());
  std::iota(order.begin(), order.end(), 0U);
  const auto key = [&](std::uint32_t user) {
    return std::make_tuple(static_cast<bool>(stay[user]), places[user].part, places[user].place);
  };
  std::sort(order.begin(), order.end(),
            [&](std::uint32_t a, std::uint32_t b) { return key(a) < key(b); });
  return order;
}

/// Cuts the users into runs, with room for their ratings.
std::vector<RatingCollector::Run> RatingCollector::make_runs(
    const std::vector<std::size_t>& counts, const std::vector<Place>& places) const {
  const std::vector<bool> stay = users_that_stay(counts, places);
  std::vector<Run> runs;
  std::size_t ratings = 0;
  const auto end_run = [&] {
    if (!runs.empty()) runs.back().ratings.resize(std::exchange(ratings, 0));
  };
  for (const std::uint32_t user : users_in_order(stay, places)) {
    if (runs.empty() || ratings >= kRatingsInRun || runs.back().stay != stay[user]) {
      end_run();
      runs.push_back({stay[user], {}, {}});
    }
    runs.back().users.push_back(user);
    ratings += counts[user];
  }
  end_run();
  return runs;
}

/// By counting. The buffer shrinks while the runs are filled.
void RatingCollector::flush() {
  rows_->finish();
  read_ += rows_->rows();
  kept_ += rows_->rows() - rows_->skipped();
  const std::vector<std::uint32_t> numbers = number_items();
  RatingBuffer buffer(rows_->take_buffer());
  std::vector<std::size_t> counts(rows_->users().size());
  buffer.for_each([&](const RatingBuffer::Entry& entry) { ++counts[entry.user]; });
  const std::vector<Place> places = places_of_users();
  std::vector<Run> runs = make_runs(counts, places);
  std::vector<PackedRating*> next(counts.size());
  for (Run& run : runs) {
    PackedRating* begin = run.ratings.data();
    for (const std::uint32_t user : run.users)
      next[user] = std::exchange(begin, begin + counts[user]);
  }
  buffer.use_up([&](const RatingBuffer::Entry& entry) {
    *next[entry.user]++ = {numbers[entry.item], entry.value};
  });
  for (Run& run : runs) put_users(std::move(run), counts, places);
  rows_.emplace(source_);
}

void RatingCollector::put_users(Run run, const std::vector<std::size_t>& counts,
                                const std::vector<Place>& places) {
  const std::uint64_t kept = run.stay ? keep_ratings(std::move(run.ratings), run.users.size()) : 0;
  std::uint64_t begin = 0;
  for (const std::uint32_t user : run.users) {
    const RatingsHead head{items_->session(), counts[user], kept};
    if (run.stay)
      put_user(user, places[user], {bytes_of(head), bytes_of(begin)});
    else
      put_user(user, places[user],
               {bytes_of(head),
                {reinterpret_cast<const char*>(run.ratings.data() + begin),
                 counts[user] * sizeof(PackedRating)}});
    begin += counts[user];
  }
}

void RatingCollector::put_user(std::uint32_t user, const Place& place,
                               std::initializer_list<ByteView> ratings) {
  bytea* row = bytea_of(ratings);
  put(place.part, place.place, known(rows_->users().id(user)), kNull, kNull, kNull,
      known(PointerGetDatum(row)));
  server([&] {
    CHECK_FOR_INTERRUPTS();
    pfree(row);
  });
}

/// Those that are new, and what has been read. All of a session goes to one part.
void RatingCollector::tell_items() {
  const IdType& type = items_->type();
  const std::size_t part = items_->session() % places_.parts.size();
  const auto size = static_cast<std::uint32_t>(items_->ids().size());
  const auto tell = [&](NullableDatum n, NullableDatum kept) {
    const std::uint32_t first = items_->told;
    const std::uint32_t count = std::min(size - first, kItemsInRow);
    const NumbersHead head{items_->session(), first, count};
    bytea* bytes = bytea_of({bytes_of(head)});
    std::vector<Datum> ids(count);
    for (std::uint32_t i = 0; i < count; ++i) ids[i] = items_->ids().id(first + i);
    const Datum array = server([&] {
      return PointerGetDatum(construct_array(ids.data(), static_cast<int>(count), type.oid,
                                             type.length(), type.by_value(), type.cache->typalign));
    });
    put(places_.parts[part], -++items_->rows_told, kNull, known(array), n, kept,
        known(PointerGetDatum(bytes)));
    items_->told += count;
  };
  tell(known(Int64GetDatum(read_)), known(Int64GetDatum(kept_)));
  while (items_->told < size) tell(kNull, kNull);
}

void RatingCollector::put(int part, int place, NullableDatum user, NullableDatum items,
                          NullableDatum n, NullableDatum kept, NullableDatum ratings) {
  Datum values[] = {Int32GetDatum(part), Int32GetDatum(place), user.value, items.value, n.value,
                    kept.value,          ratings.value};
  bool nulls[] = {false, false, user.isnull, items.isnull, n.isnull, kept.isnull, ratings.isnull};
  server([&] { tuplestore_putvalues(result_, columns_, values, nulls); });
}

Tuplestorestate* RatingCollector::take_rows() {
  if (is_taken_) throw InvalidBytes("the rows have been collected already");
  flush();
  tell_items();
  rows_.reset();
  is_taken_ = true;
  return result_;
}

}  // namespace als::pg
