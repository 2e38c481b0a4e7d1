// Reads and indexes a source, within the limit of memory.
#include "pg/train/training_data.h"

#include "core/evaluate/holdout_metrics.h"
#include "core/train/trainer.h"
#include "pg/ids/key_size.h"
#include "pg/server/interrupts.h"
#include "pg/server/memory_limit.h"
#include "pg/server/settings.h"
#include "pg/source/duplicate_error.h"

namespace als::pg {

namespace {

// At the peak of making ratings of them, see Ratings.
constexpr std::size_t kBytesATestRow = 17;

void report_memory(const char* what, std::size_t bytes) {
  int level = verbose() ? NOTICE : DEBUG1;
  std::string megabytes = in_megabytes(bytes);
  server([&] {
    ereport(level, (errmsg("als: %s takes at most %s of memory", what, megabytes.c_str())));
  });
}

/// The order of the rows that `rank` ranks.
std::vector<std::uint32_t> ranks_of(const IdDictionary& ids) {
  std::vector<std::uint32_t> ranks(ids.size());
  server([&] { ids.rank(ranks.data()); });
  return ranks;
}

constexpr std::size_t kIdsPerBlock = std::size_t{1} << 16;

std::vector<std::uint32_t> inverse(const std::vector<std::uint32_t>& ranks, ThreadTeam& team) {
  std::vector<std::uint32_t> order(ranks.size());
  team.for_each_block(ranks.size(), kIdsPerBlock, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t i = begin; i < end; ++i) order[ranks[i]] = static_cast<std::uint32_t>(i);
  });
  return order;
}

/// The hash of every id of a side, in the order of its rows.
std::vector<std::uint64_t> keys_of(const FactorFeed& rows, ThreadTeam& team) {
  std::vector<std::uint64_t> keys(rows.order.size());
  team.for_each_block(keys.size(), kIdsPerBlock, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t r = begin; r < end; ++r) keys[r] = rows.ids->hashes()[rows.order[r]];
  });
  return keys;
}

void check_same_type(const IdType& type, const IdType& of_test, const char* what) {
  if (type.oid == of_test.oid) return;
  const char* name = server([&] { return format_type_be(type.oid); });
  const char* of_test_name = server([&] { return format_type_be(of_test.oid); });
  throw UserError(
      ERRCODE_DATATYPE_MISMATCH,
      format("%s ids of the test are %s, those of the source %s", what, of_test_name, name),
      "Cast them in the test, which may be a query.");
}

}  // namespace

TrainingData::TrainingData(const Request& request, Progress& progress)
    : request_(request), reader_(request.source) {
  Stopwatch watch;
  if (request_.test != nullptr) {
    check_same_type(*request_.source.id_types.users, *request_.test->id_types.users, "user");
    check_same_type(*request_.source.id_types.items, *request_.test->id_types.items, "item");
  }
  progress.enter(Phase::kReading);
  SnapshotScope snapshot;
  read(progress);
  if (request_.test != nullptr) read_test(progress);
  snapshot.pop();
  memory_ = memory_needed();
  report_memory(request_.what, memory_);
  seconds_ = watch.seconds();
}

/// The training that takes the most memory.
const TrainOptions& TrainingData::largest() const {
  auto bytes = [&](const TrainOptions& options) {
    return training_memory(reader_.ratings(), reader_.users().size(), reader_.items().size(), 0,
                           options, request_.threads, request_.source.has_weights());
  };
  return *std::max_element(
      request_.trainings.begin(), request_.trainings.end(),
      [&](const TrainOptions& a, const TrainOptions& b) { return bytes(a) < bytes(b); });
}

/// What the rows read so far take, and no less for any more rows.
std::size_t TrainingData::memory_needed() const {
  std::size_t judging = test_reader_ ? test_reader_->ratings() * kBytesATestRow : 0;
  const TrainOptions& largest = this->largest();
  if ((request_.holdout > 0 || test_reader_) && largest.feedback == Feedback::kImplicit)
    judging += ranking_memory(reader_.items().size(), static_cast<std::size_t>(largest.factors),
                              request_.threads);
  return judging + training_memory(reader_.ratings(), reader_.users().size(),
                                   reader_.items().size(),
                                   reader_.users().bytes() + reader_.items().bytes(), largest,
                                   request_.threads, request_.source.has_weights());
}

/// Refuses before the memory is taken.
void TrainingData::check_memory() const {
  check_memory_limit(
      request_.what, memory_needed(),
      std::strcmp(request_.what, "training") == 0
          ? ", or train with fewer factors, fewer threads or fewer ratings, or leave these in "
            "their "
            "tables: als.train(..., distributed => true)."
          : ", or train with fewer factors, fewer threads or fewer ratings.",
      format("After %zu ratings of %zu users and %zu items, with factors => %d and threads => %d.",
             reader_.ratings(), reader_.users().size(), reader_.items().size(), largest().factors,
             request_.threads));
}

void TrainingData::read(Progress& progress) {
  KeySizeCheck user_keys(reader_.users(), "user");
  KeySizeCheck item_keys(reader_.items(), "item");
  const auto on_rows = [&] {
    check_memory();
    user_keys.check();
    item_keys.check();
    progress.rows_read(reader_.rows());
  };
  reader_.read(on_rows);
  on_rows();
  if (reader_.ratings() == 0)
    throw UserError(
        ERRCODE_NO_DATA_FOUND, "the source has no ratings",
        request_.source.weight_col
            ? "A row counts when its user, item and rating are not null and its weight is above 0."
            : "A row counts when its user, item and rating are not null.",
        format("%lld rows read, %lld of them skipped for a null%s.",
               static_cast<long long>(reader_.rows()), static_cast<long long>(reader_.skipped()),
               request_.source.weight_col ? " or for a weight of 0" : ""));
}

void TrainingData::read_test(Progress& progress) {
  test_reader_.emplace(*request_.test, reader_);
  auto on_rows = [&] {
    check_memory();
    progress.rows_read(reader_.rows() + test_reader_->rows());
  };
  test_reader_->read(on_rows);
  on_rows();
  if (test_reader_->ratings() == 0)
    throw UserError(ERRCODE_NO_DATA_FOUND,
                    "the test has no ratings of the source's users and items",
                    "Only such a rating says how good a training is.",
                    format("%lld rows read.", static_cast<long long>(test_reader_->rows())));
}

void TrainingData::throw_duplicate(const DuplicateRating& duplicate) const {
  const IdDictionary& users = *users_.ids;
  const IdDictionary& items = *items_.ids;
  throw_duplicate_rating(users.type(), users.id(users_.order[duplicate.user]), items.type(),
                         items.id(items_.order[duplicate.item]), "", kHowToMergeDuplicates);
}

void TrainingData::index(Progress& progress) {
  Stopwatch watch;
  progress.enter(Phase::kIndexing);
  ThreadTeam team = interruptible_team(request_.threads);
  user_rank_ = ranks_of(reader_.users());
  item_rank_ = ranks_of(reader_.items());
  users_ = {&reader_.users(), inverse(user_rank_, team), nullptr, nullptr};
  items_ = {&reader_.items(), inverse(item_rank_, team), nullptr, nullptr};
  user_keys_ = keys_of(users_, team);
  item_keys_ = keys_of(items_, team);
  bool hold_out = request_.holdout > 0 && !test_reader_;
  rule_.share = request_.holdout;
  rule_.seed = request_.seed;
  if (hold_out) {
    rule_.user_keys = user_keys_;
    rule_.item_keys = item_keys_;
  }
  try {
    ratings_.emplace(reader_.take_buffer(), user_rank_, item_rank_, request_.on_duplicate, team,
                     hold_out ? &rule_ : nullptr);
    if (test_reader_)
      test_.emplace(test_reader_->take_buffer(), user_rank_, item_rank_, request_.on_duplicate,
                    team);
  } catch (const DuplicateRating& duplicate) {
    throw_duplicate(duplicate);
  }
  seconds_ += watch.seconds();
}

int TrainingData::useful_threads(const TrainOptions& options) const {
  // Waking a thread and waiting for it costs up to some milliseconds where processors are taken, so
  // each must have about as much to do in a half-step.
  constexpr double kMinOperationsPerThread = 2e7;
  double rows = static_cast<double>(std::min(ratings_->users(), ratings_->items()));
  double operations = half_step_operations(options, static_cast<double>(ratings_->size()), rows);
  return std::clamp(static_cast<int>(std::min(operations / kMinOperationsPerThread, 1e6)), 1,
                    request_.threads);
}

}  // namespace als::pg
