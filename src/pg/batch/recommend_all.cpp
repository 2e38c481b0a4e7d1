// als.recommend_all: the best items of every user, into a table.
//
//   source -> SeenReader -> SeenLists -> BatchRecommender -> RecommendationTable
//
// Users go through in batches, each scored on all threads and then written. Where als.max_memory
// does not hold what all users have seen, the source is read again for the rest of them. All
// reading is done under one snapshot, all of it and the writing in one transaction.

#include "core/search/batch_recommender.h"

#include "pg/batch/recommendation_table.h"
#include "pg/cache/served_model.h"
#include "pg/history/seen_reader.h"
#include "pg/history/seen_sources.h"
#include "pg/server/args.h"
#include "pg/server/interrupts.h"
#include "pg/server/memory_limit.h"
#include "pg/server/progress.h"
#include "pg/server/settings.h"

namespace als::pg {

namespace {

struct Request {
  Oid model;
  std::string target;
  int k;
  bool exclude_seen;
  std::optional<std::string> seen;
  int threads;
};

Request request_from(FunctionCallInfo fcinfo) {
  const NamedArgs args(fcinfo);
  Request request;
  request.model = DatumGetObjectId(args.datum("model"));
  request.target = args.text("target");
  request.k = int_arg(fcinfo, args["k"], "k", 0, PG_INT32_MAX);
  request.exclude_seen = args.flag("exclude_seen");
  request.threads = threads_arg(fcinfo, args["threads"]);
  check_is_model(request.model);
  if (args.has("seen")) request.seen = args.optional_text("seen");  // not in 1.0
  return request;
}

/// One run of the function, once its target is locked.
class Run {
 public:
  Run(const Request& request, ServedModel& served, RecommendationTable& target, Progress& progress)
      : request_(request),
        model_(served.model()),
        users_(served.side(Side::kUsers)),
        items_(served.side(Side::kItems)),
        target_(target),
        progress_(progress),
        team_(interruptible_team(request.threads)),
        recommender_(served.search(Side::kItems), static_cast<std::size_t>(request.k), team_),
        batch_(std::min(recommender_.batch_users(), std::max<std::size_t>(users_.size(), 1))) {}

  /// Returns the number of rows written.
  std::int64_t write_all() {
    progress_.expect(batches(users_.size()));
    if (!request_.exclude_seen) {
      check_memory(0);
      return write(0, users_.size(), nullptr);
    }
    std::size_t least = SeenLists::min_memory(users_.size(), items_.size());
    check_memory(least);
    SeenReader reader(users_, items_);
    for_each_seen_source(model_, request_.seen,
                         [&](const RatingSource& source) { reader.add_source(source); });
    SeenLists seen(users_.size(), items_.size(), max_memory() - recommender_.memory(batch_),
                   [] { server([] { CHECK_FOR_INTERRUPTS(); }); });
    std::int64_t written = 0;
    for (std::size_t first = 0; first < users_.size(); first = seen.end()) {
      seen.restart(first);
      progress_.enter(Phase::kReading);
      reader.read(seen, [&] { progress_.rows_read(reader.rows()); });
      progress_.rows_read(reader.rows());
      report_pass(seen.end());
      written += write(first, seen.end(), &seen);
    }
    return written;
  }

 private:
  std::int64_t batches(std::size_t users) const {
    return static_cast<std::int64_t>((users + batch_ - 1) / batch_);
  }

  void check_memory(std::size_t lists) const {
    check_memory_limit("recommending", recommender_.memory(batch_) + lists,
                       ", or use fewer threads or a smaller k.",
                       format("Beside the factors, for %zu users and %zu items, with k => %d and "
                              "threads => %d.",
                              users_.size(), items_.size(), request_.k, request_.threads));
  }

  void report_pass(std::size_t end) const {
    if (end == users_.size()) return;
    int level = verbose() ? NOTICE : DEBUG1;
    server([&] {
      ereport(level, (errmsg("als: memory holds what the first %zu of %zu users have seen; the "
                             "source will be read again for the others",
                             end, users_.size())));
    });
  }

  /// Recommends to users [begin, end).
  std::int64_t write(std::size_t begin, std::size_t end, const SeenLists* seen) {
    auto query_of = [&](std::size_t user) {
      return BatchRecommender::Query{users_.rows().row(user),
                                     base_score(model_, users_.bias()[user])};
    };
    std::int64_t written = 0;
    for (std::size_t first = begin; first < end; first += batch_) {
      progress_.enter(Phase::kScoring);
      std::size_t next = std::min(first + batch_, end);
      RecommendationFeed rows{&users_, &items_,
                              recommender_.recommend(first, next, query_of, seen)};
      progress_.enter(Phase::kWriting);
      written += target_.append(rows);
      progress_.steps_done(batches(next));
    }
    return written;
  }

  const Request& request_;
  const Model& model_;
  const LoadedFactors& users_;
  const LoadedFactors& items_;
  RecommendationTable& target_;
  Progress& progress_;
  ThreadTeam team_;
  BatchRecommender recommender_;
  const std::size_t batch_;  // users
};

std::int64_t recommend_all(const Request& request, Progress& progress) {
  RecommendationTable target(request.target);
  target.lock();
  // A fresh one: after waiting for another, what it has left behind too.
  SnapshotScope snapshot;
  std::shared_ptr<ServedModel> served = serve_model(request.model);
  // Before anything is written: after that, what is built is not shared with other sessions.
  served->side(Side::kUsers);
  served->search(Side::kItems);
  target.prepare(served->model(), served->id_type(Side::kUsers), served->id_type(Side::kItems));
  progress.enter(Phase::kRemoving);
  target.clear();
  progress.enter(Phase::kReading);
  std::int64_t written = Run(request, *served, target, progress).write_all();
  // Making an index reports progress of its own.
  progress.hide();
  target.finish();
  snapshot.pop();
  return written;
}

}  // namespace

}  // namespace als::pg

ALS_SQL_FUNCTION(als_recommend_all)

/// als.recommend_all(model regclass, target text, k int, exclude_seen boolean, threads int): bigint
Datum als_recommend_all(PG_FUNCTION_ARGS) {
  using namespace als::pg;
  return guard([&] {
    server([] {
      PreventCommandIfReadOnly("als.recommend_all()");
      PreventCommandDuringRecovery("als.recommend_all()");
    });
    Request request = request_from(fcinfo);
    SpiConnection spi;
    Progress progress(Command::kRecommendAll, request.model);
    std::int64_t written = recommend_all(request, progress);
    progress.hide();
    spi.finish();
    return Int64GetDatum(written);
  });
}
