// als.refresh_users and als.refresh_items: some rows of a model from the live source.
//
//   source -> LiveRatings -> fold_in_all -> ModelWriter
//
// (Where a cluster has the users, they stay there: see spread_refresh.h and spread_items.h.)
//
// The other side is held fixed. It is written as a training writes: writers of one model queue, and
// readers see the rows as they were until the transaction commits.

#include <numeric>

#include "core/data/row_checksum.h"
#include "core/fold_in/folded_row.h"
#include "pg/batch/changed_rows.h"
#include "pg/batch/spread_refresh.h"
#include "pg/cache/fixed_side.h"
#include "pg/features/live_features.h"
#include "pg/features/unrated_rows.h"
#include "pg/history/live_ratings.h"
#include "pg/ids/id_args.h"
#include "pg/ids/key_size.h"
#include "pg/model/model_source.h"
#include "pg/model/model_writer.h"
#include "pg/server/args.h"
#include "pg/server/interrupts.h"
#include "pg/server/may_write.h"
#include "pg/server/settings.h"

namespace als::pg {

namespace {

enum Argument { kModel, kIds, kForce };

/// Each id once.
std::vector<Datum> distinct(const IdDictionary& ids) {
  std::vector<Datum> values;
  for (std::uint32_t i = 0; i < ids.size(); ++i) values.push_back(ids.id(i));
  return values;
}

/// A source that is being loaded anew looks as if most users were gone. To remove them would be a
/// loss that no later refresh mends where both sides lose each other's ids.
void check_removal(const Model& model, Side side, std::int64_t removed) {
  if (removed <= model.n_rows(side) / 2) return;
  throw UserError(
      ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
      format("the refresh would remove " INT64_FORMAT " of the " INT64_FORMAT " %ss of model %s",
             static_cast<int64>(removed), static_cast<int64>(model.n_rows(side)), side_name(side),
             model.name.c_str()),
      "Refresh again once the source is complete. If it is, do so with force => true.",
      "The source has no rating of theirs now. More than half are not removed unasked.");
}

/// Whether the popularity of some of its items can be computed as that of the others was.
bool knows_popularity(const Model& model) {
  return model.feedback == Feedback::kImplicit || model.damping;
}

/// Of ids without ratings, those with features get the rows that these give them. Leaves the others
/// in `ids`.
std::uint64_t write_unrated(ServedModel& served, Side side, const LiveFeatures& features,
                            std::vector<Datum>& ids, ModelWriter& store, ThreadTeam& team) {
  const IdType& type = served.id_type(side);
  IdDictionary unrated(&type);
  server([&] {
    guard([&] {
      for (const Datum id : ids)
        if (features.ids().find(id) != IdDictionary::kMissing) unrated.find_or_add(id);
    });
  });
  const auto has_features = [&](Datum id) {
    return server([&] { return unrated.find(id); }) != IdDictionary::kMissing;
  };
  ids.erase(std::remove_if(ids.begin(), ids.end(), has_features), ids.end());
  const std::size_t n = unrated.size();
  if (n == 0) return 0;
  LiveFeatures::Said said = features.of(
      n, [&](std::size_t i) { return unrated.id(static_cast<std::uint32_t>(i)); }, false, team);
  std::vector<std::uint32_t> order(n);
  std::iota(order.begin(), order.end(), 0U);
  const Model& model = served.model();
  std::optional<UnratedPopularity> popularity;
  if (side == Side::kItems && knows_popularity(model)) popularity = {model.mean, model.damping};
  return write_unrated_rows(store, side, unrated, std::move(order), said.expected,
                            std::move(said.checksums), popularity);
}

/// Computes the rows of these ids, and writes them.
std::int64_t refresh(ServedModel& served, Side side, const IdDictionary& wanted,
                     const std::optional<LiveFeatures>& features, bool force, ModelWriter& store,
                     Progress& progress) {
  const IdType& type = served.id_type(side);
  const std::vector<Datum> ids = distinct(wanted);
  ThreadTeam team = interruptible_team(default_threads());
  progress.enter(Phase::kReading);
  LiveRatings live(served, side, ids, team, &progress);
  KeySizeCheck(live.ids(), side_name(side)).check();
  std::vector<Datum> gone;
  for (Datum id : ids)
    if (!live.contains(id)) gone.push_back(id);
  std::uint64_t written = 0;
  if (features) written += write_unrated(served, side, *features, gone, store, team);
  const Param gone_ids = server([&] { return id_array(type, gone); });
  if (!gone.empty() && !force)
    check_removal(served.model(), side, store.count_factors(side, type, gone_ids));

  progress.enter(Phase::kSolving);
  const FixedSide fixed(served, other_side(side), team);
  LiveFeatures::Said said;
  if (features)
    said = features->of(
        live.order().size(), [&](std::size_t r) { return live.ids().id(live.order()[r]); }, true,
        team);
  const Factors factors = fold_in_all(
      fixed.objective, live.rows().rows(),
      [&](std::size_t row) { return ratings_of(live.rows(), row); }, fixed.vectors, fixed.gram,
      team, features ? &said.expected : nullptr, served.model().feature_strength[side]);

  progress.enter(Phase::kWriting);
  if (!gone.empty()) written += store.delete_factors(side, type, gone_ids);
  if (!live.order().empty()) {
    FactorFeed rows{&live.ids(), live.order(), &factors, &live.rows(),
                    row_checksums(live.rows(), keys_of(served.side(other_side(side)).ids()), team)};
    for (std::size_t r = 0; r < said.checksums.size(); ++r) rows.checksums[r] += said.checksums[r];
    std::vector<float> popularity;
    if (side == Side::kItems && knows_popularity(served.model())) {
      popularity = popularity_of(totals_of(live.rows()), served.model().mean,
                                 served.model().damping, served.model().source.has_confidences());
      rows.popularity = &popularity;
    }
    written += store.update_factors(side, rows);
  }
  if (written > 0) store.renew_version(side, live.duplicates());
  return static_cast<std::int64_t>(written);
}

/// The same of items, solved for users that stay where they are.
std::int64_t refresh(ServedModel& served, const SpreadItems& items, const IdDictionary& wanted,
                     bool force, ModelWriter& store, Progress& progress) {
  if (wanted.size() == 0) return 0;
  const Model& model = served.model();
  const IdType& type = wanted.type();
  const SolvedItems solved = items.solve(distinct(wanted), progress);
  KeySizeCheck(solved.ids, side_name(Side::kItems)).check();
  std::vector<Datum> gone;
  for (const Datum id : distinct(wanted))
    if (server([&] { return solved.ids.find(id); }) == IdDictionary::kMissing) gone.push_back(id);
  const Param gone_ids = server([&] { return id_array(type, gone); });
  if (!gone.empty() && !force)
    check_removal(model, Side::kItems, store.count_factors(Side::kItems, type, gone_ids));
  progress.enter(Phase::kWriting);
  std::uint64_t written = 0;
  if (!gone.empty()) written += store.delete_factors(Side::kItems, type, gone_ids);
  FactorFeed rows{&solved.ids, std::vector<std::uint32_t>(solved.ids.size()), &solved.factors,
                  &solved.ratings, solved.checksums};
  std::iota(rows.order.begin(), rows.order.end(), 0U);
  std::vector<float> popularity;
  if (knows_popularity(model)) {
    popularity = popularity_of(solved.totals, model.mean, model.damping);
    rows.popularity = &popularity;
  }
  written += store.update_factors(Side::kItems, rows);
  if (written > 0) store.renew_version(Side::kItems, solved.duplicates);
  return static_cast<std::int64_t>(written);
}

/// The same on the nodes that have the users. wanted: null for whoever has changed.
std::int64_t refresh(ServedModel& served, SpreadRefresh& spread, const IdDictionary* wanted,
                     bool force) {
  std::optional<Param> ids;
  if (wanted != nullptr) {
    const std::vector<Datum> values = distinct(*wanted);
    ids = server([&] { return id_array(served.id_type(Side::kUsers), values); });
  }
  spread.compute(ids);
  if (!force) check_removal(served.model(), Side::kUsers, spread.removed());
  return spread.write();
}

/// The model, of which row-level security may hide nothing.
std::shared_ptr<ServedModel> serve_whole_model(Oid table) {
  std::shared_ptr<ServedModel> served = serve_model(table);
  if (served->is_filtered())
    throw UserError(
        ERRCODE_INSUFFICIENT_PRIVILEGE,
        format("row-level security may hide a part of model %s", served->model().name.c_str()),
        "Refresh it as the owner of its tables, or as a role with BYPASSRLS where it is forced on "
        "the owner.");
  return served;
}

/// The ids that the caller names; nothing for whoever has changed.
std::optional<IdDictionary> named_ids(FunctionCallInfo fcinfo, Side side, const IdType& type) {
  if (PG_ARGISNULL(kIds)) return std::nullopt;
  IdDictionary named(&type);
  const char* argument = side == Side::kUsers ? "user_ids" : "item_ids";
  for (Datum id : id_values_arg(fcinfo, kIds, type, argument, side_name(side)))
    server([&] { guard([&] { named.find_or_add(id); }); });
  return named;
}

/// Refreshes these ids, or without them whatever has changed, where their ratings lie: here, or on
/// the nodes of a cluster.
std::int64_t refresh(ServedModel& served, const DescribedSource& source, Side side,
                     std::optional<IdDictionary> named, bool force, ModelWriter& store,
                     Progress& progress) {
  const IdType& type = served.id_type(side);
  std::optional<LiveFeatures> features;
  if (served.model().has_features(side)) {
    std::optional<std::vector<Datum>> of_ids;
    if (named) of_ids = distinct(*named);
    features.emplace(served.model(), side, type, of_ids);
  }
  const SpreadRatings ratings(served, source);
  std::optional<SpreadItems> items_on_nodes;
  if (side == Side::kUsers) {
    SpreadRefresh users_on_nodes(ratings, store, progress);
    if (users_on_nodes.is_possible())
      return refresh(served, users_on_nodes, named ? &*named : nullptr, force);
  } else if (ratings.lie_beside_users()) {
    items_on_nodes.emplace(ratings);
  }
  if (!named) {
    named.emplace(&type);
    progress.enter(Phase::kReading);
    find_changed(served, side, *named, features ? &*features : nullptr,
                 items_on_nodes ? &*items_on_nodes : nullptr, progress);
  }
  if (items_on_nodes && items_on_nodes->is_better_for(named->size()))
    return refresh(served, *items_on_nodes, *named, force, store, progress);
  if (named->size() == 0) return 0;
  return refresh(served, side, *named, features, force, store, progress);
}

std::int64_t refresh(FunctionCallInfo fcinfo, Side side) {
  require_arg(fcinfo, kModel, "model");
  const Oid table = PG_GETARG_OID(kModel);
  check_is_model(table);
  const bool force = fcinfo->nargs > kForce && bool_arg(fcinfo, kForce, "force");  // not in 1.0
  SpiConnection spi;
  ModelWriter store(table);
  const std::vector<RelationLock> read =
      relations_recorded(table, {"source", "user_features", "item_features"});
  Progress progress(side == Side::kUsers ? Command::kRefreshUsers : Command::kRefreshItems, table);
  store.lock_model(table, read);
  // A fresh one: after waiting for another, what it has left behind.
  SnapshotScope snapshot;
  std::shared_ptr<ServedModel> served = serve_whole_model(table);
  OwnedMemoryContext context("als source");
  const DescribedSource source = described_source(*served, context.get());
  if (store.widen_ids(source.id_types)) {
    snapshot.pop();
    snapshot = SnapshotScope();
    served = serve_model(table);
  }
  std::optional<IdDictionary> named = named_ids(fcinfo, side, served->id_type(side));
  const std::int64_t written =
      refresh(*served, source, side, std::move(named), force, store, progress);
  progress.hide();
  snapshot.pop();
  spi.finish();
  return written;
}

Datum refresh_side(FunctionCallInfo fcinfo, Side side, const char* name) {
  return guard([&] {
    check_may_write(name);
    return Int64GetDatum(refresh(fcinfo, side));
  });
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_refresh_users)
ALS_SQL_FUNCTION(als_refresh_items)

/// als.refresh_users(model regclass, user_ids, force bool): bigint
Datum als_refresh_users(PG_FUNCTION_ARGS) {
  return als::pg::refresh_side(fcinfo, als::pg::Side::kUsers, "als.refresh_users()");
}

/// als.refresh_items(model regclass, item_ids, force bool): bigint
Datum als_refresh_items(PG_FUNCTION_ARGS) {
  return als::pg::refresh_side(fcinfo, als::pg::Side::kItems, "als.refresh_items()");
}
