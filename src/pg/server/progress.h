// What a session at work tells other sessions, which read it in the view als.progress: see
// pg/report/progress_view.cpp.
//
// The server already keeps a block of progress counters for each backend (backend_progress.h), in
// shared memory that is there without preload, read without locks, and cleared by the server itself
// when the transaction aborts or the backend dies. Long commands publish themselves there under a
// number that none of the server's own progress views asks for.
#pragma once

#include "pg/server/guard.h"
#include "pg/server/pg.h"
#include "pg/server/target_table.h"

namespace als::pg {

enum class Command : int {
  kTrain,
  kRecommendAll,
  kEvaluate,
  kTune,
  kRefreshUsers,
  kRefreshItems,
  kImportModel
};

enum class Phase : int {
  kWaiting,
  kRemoving,
  kReading,
  kIndexing,
  kTraining,
  kSolving,
  kScoring,
  kWriting
};

/// The progress of the command that this object accompanies. Cheap: plain stores to shared memory.
///
/// A command goes through phases; the main work of most is done in steps that cost alike: the
/// iterations of a training, batches of users.
class Progress {
 public:
  /// Of a table that other sessions may not be able to look up before it is committed.
  Progress(Command command, const TargetTable& table);

  /// Of a relation that others can look up, by its present name: a model, or the source of a
  /// tuning, InvalidOid for a query.
  Progress(Command command, Oid relation);

  /// How many steps there will be.
  void expect(std::int64_t steps);

  void enter(Phase phase);
  void rows_read(std::int64_t rows);
  void more_rows_read(std::int64_t rows) { rows_read(rows_ + rows); }

  /// One more row has been read; published now and then.
  void row_read() {
    constexpr std::int64_t kRowsPerReport = 4096;
    if (++rows_ % kRowsPerReport == 0) publish();
  }
  void steps_done(std::int64_t steps);
  void iteration(int finished, double loss);

  /// So many more bytes have gone from one table of a distributed training to another.
  void more_bytes_moved(std::int64_t bytes);

  /// So many iterations are done in all trials; the last was one of this trial.
  void trial(int number, std::int64_t iterations);

  /// Withdraws what is published: at the end (after an error the server does it), and before
  /// statements that report progress of their own, such as making an index, into the same counters.
  void hide();

  /// Does work that contains such statements, and publishes again.
  template <class Work>
  void hide_during(const Work& work) {
    hide();
    work();
    publish();
  }

 private:
  void publish();

  Command command_;
  Oid schema_;
  NameData name_;
  std::int64_t steps_ = 0;
  std::int64_t phase_ = 0;
  std::int64_t finished_ = 0;
  std::int64_t loss_bits_ = 0;
  std::int64_t rows_ = 0;
  std::int64_t trial_ = 0;
  std::int64_t bytes_ = 0;
  TimestampTz started_;
  TimestampTz steps_started_ = 0;
  TimestampTz step_finished_ = 0;
};

}  // namespace als::pg
