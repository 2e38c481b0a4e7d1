// als.recommend_all: the best items of every user, into a table; als.recommend_users_all: the best
// users of every item.
//
//   source -> SeenReader -> SeenLists -> BatchRecommender -> RecommendationTable
//
// (Where a cluster has the users, they stay there: see spread_recommendations.h.)
//
// Users go through in batches, each scored on all threads and then written. Where als.max_memory
// does not hold what all users have seen, the source is read again for the rest of them. All
// reading is done under one snapshot, all of it and the writing in one transaction.

#include <numeric>

#include "core/search/batch_recommender.h"

#include "pg/batch/recommendation_table.h"
#include "pg/batch/spread_recommendations.h"
#include "pg/cache/new_items.h"
#include "pg/cache/served_model.h"
#include "pg/history/listed_ids.h"
#include "pg/history/seen_reader.h"
#include "pg/history/seen_sources.h"
#include "pg/ids/id_equality.h"
#include "pg/nodes/cluster_nodes.h"
#include "pg/server/args.h"
#include "pg/server/interrupts.h"
#include "pg/server/may_write.h"
#include "pg/server/memory_limit.h"
#include "pg/server/progress.h"
#include "pg/server/settings.h"
#include "pg/source/relations_read.h"
#include "pg/sql/transaction_steps.h"

namespace als::pg {

namespace {

using Request = RecommendAllRequest;

Request request_from(FunctionCallInfo fcinfo, Side whom) {
  const NamedArgs args(fcinfo);
  Request request;
  request.whom = whom;
  request.model = DatumGetObjectId(args.datum("model"));
  request.target = args.text("target");
  request.k = int_arg(fcinfo, args["k"], "k", 0, PG_INT32_MAX);
  request.exclude_seen = args.flag("exclude_seen");
  request.threads = threads_arg(fcinfo, args["threads"]);
  check_is_model(request.model);
  if (!args.has("seen")) return request;  // 1.0
  request.seen = args.optional_text("seen");
  request.some = args.optional_text(request.some_name());
  request.candidates = args.optional_text("candidates");
  request.exclude = args.optional_text("exclude");
  if (args.has("diversity"))
    request.diversity.share = float_arg(fcinfo, args["diversity"], "diversity", 0, 1);
  if (args.has("explore")) {
    request.exploration.share = float_arg(fcinfo, args["explore"], "explore", 0, 1);
    request.new_below = int_arg(fcinfo, args["new_below"], "new_below", 1, PG_INT32_MAX);
    request.exploration.seed = static_cast<std::uint64_t>(DatumGetInt64(args.datum("seed")));
  }
  return request;
}

/// What there is to recommend, and to whom.
class Lists {
 public:
  Lists(const Request& request, ServedModel& served)
      : is_restricted_(request.candidates || request.exclude),
        excluded_(served.side(other_side(request.whom)).size()) {
    const Side what = other_side(request.whom);
    const LoadedFactors& all = served.side(what);
    const RatingSource& source = served.model().source;
    if (request.candidates) {
      excluded_.set_all();
      for (std::uint32_t row : ListedIds(*request.candidates, "candidates", source).read(what, all))
        excluded_.clear(row);
    }
    if (request.exclude) {
      ListedIds ids(*request.exclude, "exclude", source);
      if (ids.has_pairs())
        pairs_ = ids.source();
      else
        for (std::uint32_t row : ids.read(what, all)) excluded_.set(row);
    }
    const LoadedFactors& lists = served.side(request.whom);
    if (request.some) {
      whom_ = ListedIds(*request.some, request.some_name(), source).read(request.whom, lists);
    } else {
      whom_.resize(lists.size());
      std::iota(whom_.begin(), whom_.end(), 0U);
    }
  }

  /// What is in no list; null if all may be.
  const Bitmap* excluded() const { return is_restricted_ ? &excluded_ : nullptr; }

  /// What is in no list of new items.
  Bitmap all_but_new(ServedModel& served, int below) const {
    Bitmap excluded(served.side(Side::kItems).size());
    excluded.set_all();
    for_each_new_item(served, below, [&](std::uint32_t item) {
      if (!excluded_[item]) excluded.clear(item);
    });
    return excluded;
  }

  /// Who gets a list, ascending.
  const std::vector<std::uint32_t>& whom() const { return whom_; }

  /// Of whom and what is excluded.
  const std::optional<RatingSource>& excluded_pairs() const { return pairs_; }

 private:
  const bool is_restricted_;
  Bitmap excluded_;
  std::vector<std::uint32_t> whom_;
  std::optional<RatingSource> pairs_;
};

/// One run of the function, once its target is locked.
class Run {
 public:
  Run(const Request& request, ServedModel& served, RecommendationTable& target, Progress& progress)
      : request_(request),
        model_(served.model()),
        users_(served.side(Side::kUsers)),
        items_(served.side(Side::kItems)),
        listed_(served.side(request.whom)),
        in_lists_(served.side(other_side(request.whom))),
        target_(target),
        progress_(progress),
        lists_(request, served),
        team_(interruptible_team(request.threads)),
        recommender_(BiasedView(in_lists_.rows(), in_lists_.bias()),
                     static_cast<std::size_t>(request.k), team_, lists_.excluded(),
                     request.diversity),
        batch_(std::min(recommender_.batch_users(), std::max<std::size_t>(whom().size(), 1))) {
    if (!request.exploration.is_asked()) return;
    const Bitmap excluded = lists_.all_but_new(served, request.new_below);
    new_items_.emplace(BiasedView(items_.rows(), items_.bias()),
                       request.exploration.head(static_cast<std::size_t>(request.k)), team_,
                       &excluded);
  }

  /// Returns the number of rows written.
  std::int64_t write_all() {
    progress_.expect(batches(whom().size()));
    if (!request_.exclude_seen && !lists_.excluded_pairs()) {
      check_memory(0);
      return write(0, whom().size(), nullptr);
    }
    check_memory(SeenLists::min_memory(listed_.size(), in_lists_.size()));
    SeenReader reader(users_, items_, request_.whom);
    if (request_.exclude_seen)
      for_each_seen_source(model_, request_.seen,
                           [&](const RatingSource& source) { reader.add_source(source); });
    if (lists_.excluded_pairs()) reader.add_source(*lists_.excluded_pairs());
    SeenLists seen(listed_.size(), in_lists_.size(), max_memory() - memory(),
                   [] { server([] { CHECK_FOR_INTERRUPTS(); }); });
    std::int64_t written = 0;
    for (std::size_t first = 0; first < whom().size();) {
      seen.restart(whom()[first]);
      progress_.enter(Phase::kReading);
      reader.read(seen, [&] { progress_.rows_read(reader.rows()); });
      progress_.rows_read(reader.rows());
      const auto end = static_cast<std::size_t>(
          std::lower_bound(whom().begin(), whom().end(), seen.end()) - whom().begin());
      report_pass(end);
      written += write(first, end, &seen);
      first = end;
    }
    return written;
  }

 private:
  const std::vector<std::uint32_t>& whom() const { return lists_.whom(); }

  std::int64_t batches(std::size_t users) const {
    return static_cast<std::int64_t>((users + batch_ - 1) / batch_);
  }

  std::size_t memory() const {
    // The rows of one batch are written while the next is made.
    const std::size_t written = whom().size() > batch_ ? batch_ * recommender_.list_memory() : 0;
    const std::size_t new_items =
        new_items_ ? new_items_->memory(batch_) + batch_ * recommender_.list_memory() : 0;
    return recommender_.memory(batch_) + new_items + written +
           whom().size() * sizeof(std::uint32_t);
  }

  void check_memory(std::size_t lists) const {
    check_memory_limit("recommending", memory() + lists, ", or use fewer threads or a smaller k.",
                       format("Beside the factors, for %zu users and %zu items, with k => %d and "
                              "threads => %d.",
                              users_.size(), items_.size(), request_.k, request_.threads));
  }

  void report_pass(std::size_t end) const {
    if (end == whom().size()) return;
    int level = verbose() ? NOTICE : DEBUG1;
    server([&] {
      ereport(level, (errmsg("als: memory holds what the first %zu of %zu %s have seen; the "
                             "source will be read again for the others",
                             end, whom().size(), request_.some_name())));
    });
  }

  /// Recommends to whom()[begin, end).
  std::int64_t write(std::size_t begin, std::size_t end, const SeenLists* seen) {
    auto query_of = [&](std::size_t row) {
      return BatchRecommender::Query{listed_.rows().row(row),
                                     base_score(model_, listed_.bias()[row])};
    };
    std::int64_t written = 0;
    RecommendationFeed rows{&users_, &items_, {}};
    // The lists of a batch are written while helpers search for the next.
    const auto write_rows = [&] {
      progress_.enter(Phase::kWriting);
      written += target_.append(rows);
      progress_.enter(Phase::kScoring);
    };
    for (std::size_t first = begin; first < end; first += batch_) {
      progress_.enter(Phase::kScoring);
      std::size_t next = std::min(first + batch_, end);
      std::vector<Recommendation> found =
          recommender_.recommend(whom().data() + first, next - first, query_of, seen, write_rows);
      if (new_items_)
        found = explore(found,
                        new_items_->recommend(whom().data() + first, next - first, query_of, seen));
      if (request_.whom == Side::kItems)
        for (Recommendation& row : found) std::swap(row.user, row.item);
      rows.rows = std::move(found);
      progress_.steps_done(batches(next));
    }
    write_rows();
    return written;
  }

  std::vector<Recommendation> explore(const std::vector<Recommendation>& lists,
                                      const std::vector<Recommendation>& new_items) const {
    const IdIndex& ids = users_.ids();
    return request_.exploration.mix_all(
        lists, new_items, static_cast<std::size_t>(request_.k), [&](std::uint32_t user) {
          return server([&] { return id_hash(ids.type(), ids.id(user)); });
        });
  }

  const Request& request_;
  const Model& model_;
  const LoadedFactors& users_;
  const LoadedFactors& items_;
  const LoadedFactors& listed_;    // who gets lists
  const LoadedFactors& in_lists_;  // what is in them
  RecommendationTable& target_;
  Progress& progress_;
  const Lists lists_;
  ThreadTeam team_;
  BatchRecommender recommender_;
  std::optional<BatchRecommender> new_items_;  // to explore
  const std::size_t batch_;                    // lists
};

/// Keeps none of them, and waits for none that has another.
std::vector<RelationLock> locks_of_what_is_read(const Request& request) {
  std::vector<RatingSource> named;
  for (const auto& text : {request.seen, request.some, request.candidates, request.exclude})
    if (text) named.push_back(parse_source(*text));
  std::vector<RelationLock> locks = relations_read(named);
  if (request.exclude_seen)
    for (const RelationLock& lock : relations_recorded(request.model, {"source", "seen"}))
      locks.push_back(lock);
  check_is_not_dropped(request.model);
  run_and_undo([&] {
    SnapshotScope snapshot;
    const Model model = read_model(request.model);
    snapshot.pop();
    const BySide<FactorTable>& factors = model.factor_tables;
    for (Oid table : {model.table, factors.users.named, factors.items.named})
      locks.push_back({table, AccessShareLock});
  });
  return locks;
}

std::int64_t recommend_all(const Request& request, Progress& progress) {
  RecommendationTable target(request.target);
  std::vector<RelationLock> read;
  progress.hide_during([&] { read = locks_of_what_is_read(request); });
  target.lock(read);
  check_is_not_dropped(request.model);
  // A fresh one: after waiting for another, what it has left behind too.
  SnapshotScope snapshot;
  std::shared_ptr<ServedModel> served = serve_model(request.model);
  if (SpreadRecommendations lists(request, *served); lists.are_possible(target)) {
    check_nodes();
    target.prepare(request.whom, served->model(), served->id_type(Side::kUsers),
                   served->id_type(Side::kItems));
    const std::int64_t written = lists.write(target, progress);
    snapshot.pop();
    return written;
  }
  // Before anything is written: after that, what is built is not shared with other sessions.
  served->side(request.whom);
  served->side(other_side(request.whom));
  target.prepare(request.whom, served->model(), served->id_type(Side::kUsers),
                 served->id_type(Side::kItems));
  progress.enter(Phase::kReading);
  Run run(request, *served, target, progress);
  progress.enter(Phase::kRemoving);
  target.clear();
  progress.enter(Phase::kReading);
  std::int64_t written = run.write_all();
  // Making an index reports progress of its own.
  progress.hide();
  target.finish(request.whom);
  snapshot.pop();
  return written;
}

Datum return_rows_written(FunctionCallInfo fcinfo, Side whom, const char* name) {
  return guard([&] {
    check_may_write(name);
    Request request = request_from(fcinfo, whom);
    SpiConnection spi;
    Progress progress(Command::kRecommendAll, request.model);
    std::int64_t written = recommend_all(request, progress);
    progress.hide();
    spi.finish();
    return Int64GetDatum(written);
  });
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_recommend_all)
ALS_SQL_FUNCTION(als_recommend_users_all)

/// als.recommend_all(model regclass, target text, k, exclude_seen, threads, seen, users,
/// candidates, exclude): bigint
Datum als_recommend_all(PG_FUNCTION_ARGS) {
  return als::pg::return_rows_written(fcinfo, als::pg::Side::kUsers, "als.recommend_all()");
}

/// als.recommend_users_all(model regclass, target text, k, exclude_seen, threads, seen, items,
/// candidates, exclude): bigint
Datum als_recommend_users_all(PG_FUNCTION_ARGS) {
  return als::pg::return_rows_written(fcinfo, als::pg::Side::kItems, "als.recommend_users_all()");
}
