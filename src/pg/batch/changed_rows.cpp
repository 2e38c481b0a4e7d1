// Compares counts and checksums of ratings with those that rows were made of.
#include "pg/batch/changed_rows.h"

#include "core/data/row_checksum.h"
#include "pg/model/factor_table.h"
#include "pg/server/interrupts.h"
#include "pg/server/settings.h"
#include "pg/source/rating_weight.h"

namespace als::pg {

std::vector<std::uint64_t> keys_of(const IdIndex& ids) {
  std::vector<std::uint64_t> keys(ids.size());
  server([&] {
    for (std::uint32_t i = 0; i < keys.size(); ++i) keys[i] = id_hash(ids.type(), ids.id(i));
  });
  return keys;
}

namespace {

/// What tells the ratings of an id from others.
struct RatingsMark {
  std::int64_t n = 0;
  std::optional<std::uint64_t> checksum;  ///< unknown in tables that do not keep it

  bool is_same(const RatingsMark& other) const {
    return n == other.n && (!checksum || !other.checksum || *checksum == *other.checksum);
  }
};

/// Those of an id.
struct RatingCount {
  RatingsMark live{0, 0};      ///< in the source, of ids of the other side that the model knows
  RatingsMark stored{0, 0};    ///< in the factor table; of an id without a row, that of nothing
  std::uint64_t features = 0;  ///< the checksum of its features now

  bool is_changed() const {
    return !RatingsMark{live.n, *live.checksum + features}.is_same(stored);
  }
};

/// The ids of the source and of the factor table, with their counts. Counted here rather than by
/// the server, whose hash aggregates may write to disk what fits our memory easily.
struct RatingCounts {
  explicit RatingCounts(const IdType* type) : ids(type) {}

  RatingCount& of(Datum id) {
    const std::uint32_t index = ids.find_or_add(id);
    if (index == counts.size()) counts.emplace_back();
    return counts[index];
  }

  IdDictionary ids;
  std::vector<RatingCount> counts;
};

void read_stored(const Model& model, Side side, RatingCounts& counts) {
  const Oid table = model.factor_table(side);
  const char* checksum =
      server([&] { return number_of(kChecksum, table); }) ? kChecksum.name : "null";
  SPIPlanPtr plan =
      prepare(std::string("select ") + id_column(side) + ", n_ratings::pg_catalog.int4, " +
              checksum + "::pg_catalog.int8 from only " + relation_name(table));
  for_each_row(plan, {}, {counts.ids.type().oid, INT4OID, INT8OID}, [&](TupleTableSlot* slot) {
    if (slot->tts_isnull[0]) return;
    RatingsMark& stored = counts.of(slot->tts_values[0]).stored;
    stored.n = slot->tts_isnull[1] ? 0 : DatumGetInt32(slot->tts_values[1]);
    stored.checksum.reset();
    if (!slot->tts_isnull[2])
      stored.checksum = static_cast<std::uint64_t>(DatumGetInt64(slot->tts_values[2]));
  });
}

void read_live(ServedModel& served, Side side, RatingCounts& counts, Progress& progress) {
  const IdIndex& others = served.side(other_side(side)).ids();
  const std::vector<std::uint64_t> keys = keys_of(others);
  OwnedMemoryContext context("als source");
  const DescribedSource source = described_source(served, context.get());
  SourceNames names(source);
  const std::string query = "select " + quoted(source.id_col(side)) + ", " +
                            quoted(source.id_col(other_side(side))) + ", " +
                            source.rating_as_float8() + ", " + source.weight_as_float8() +
                            " from " + source.rows_that_count();
  const int user = side == Side::kUsers ? 0 : 1;
  read_numbers(source, [&] {
    for_each_row(prepare(query), {},
                 {counts.ids.type().oid, others.type().oid, FLOAT8OID, FLOAT8OID},
                 [&](TupleTableSlot* slot) {
                   progress.row_read();
                   if (slot->tts_isnull[0] || slot->tts_isnull[1] || slot->tts_isnull[2]) return;
                   const std::uint32_t other = others.find(slot->tts_values[1]);
                   if (other == IdIndex::kMissing) return;
                   auto rating = static_cast<float>(DatumGetFloat8(slot->tts_values[2]));
                   float weight = 1;
                   if (source.weight_col) {
                     const Datum ids[] = {slot->tts_values[user], slot->tts_values[1 - user]};
                     const NullableDatum read{slot->tts_values[3], slot->tts_isnull[3]};
                     if (!weigh(source, ids, read, rating, weight)) return;
                   }
                   RatingsMark& live = counts.of(slot->tts_values[0]).live;
                   ++live.n;
                   *live.checksum += rating_checksum(keys[other], rating, weight);
                 });
  });
  names.end();
}

/// Duplicates count once in the factor table: of ids that look changed, only those are left that
/// still do when theirs are merged.
void merge_live(ServedModel& served, Side side, RatingCounts& counts, Progress& progress) {
  std::vector<Datum> candidates;
  for (std::uint32_t i = 0; i < counts.counts.size(); ++i)
    if (counts.counts[i].is_changed()) candidates.push_back(counts.ids.id(i));
  if (candidates.empty()) return;
  ThreadTeam team = interruptible_team(default_threads());
  const LiveRatings live(served, side, candidates, team, &progress);
  const std::vector<std::uint64_t> checksums =
      row_checksums(live.rows(), keys_of(served.side(other_side(side)).ids()), team);
  std::vector<RatingsMark> merged(counts.counts.size(), {0, 0});
  for (std::size_t r = 0; r < live.order().size(); ++r) {
    const std::uint32_t index =
        server([&] { return counts.ids.find(live.ids().id(live.order()[r])); });
    merged[index] = {static_cast<std::int64_t>(live.rows().row_size(r)), checksums[r]};
  }
  for (std::uint32_t i = 0; i < counts.counts.size(); ++i)
    if (counts.counts[i].is_changed()) counts.counts[i].live = merged[i];
}

void read_features(const LiveFeatures& features, RatingCounts& counts) {
  ThreadTeam team = interruptible_team(default_threads());
  const std::vector<std::uint64_t> checksums = features.checksums(team);
  server([&] {
    guard([&] {
      for (std::uint32_t i = 0; i < checksums.size(); ++i)
        counts.of(features.ids().id(i)).features = checksums[i];
    });
  });
}

}  // namespace

void find_changed(ServedModel& served, Side side, IdDictionary& changed,
                  const LiveFeatures* features, const SpreadItems* on_nodes, Progress& progress) {
  RatingCounts counts(&changed.type());
  read_stored(served.model(), side, counts);
  if (features != nullptr) read_features(*features, counts);
  if (on_nodes != nullptr) {
    on_nodes->for_each_count([&](Datum id, std::int64_t n, std::uint64_t checksum) {
      counts.of(id).live = {n, checksum};
    });
  } else {
    read_live(served, side, counts, progress);
    if (served.model().has_duplicates) merge_live(served, side, counts, progress);
  }
  for (std::uint32_t i = 0; i < counts.counts.size(); ++i) {
    if (!counts.counts[i].is_changed()) continue;
    const Datum id = counts.ids.id(i);
    server([&] { guard([&] { changed.find_or_add(id); }); });
  }
}

}  // namespace als::pg
