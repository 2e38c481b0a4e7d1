// What a training session tells other sessions: the view als.progress.
//
// The server already keeps a block of progress counters for each backend (backend_progress.h), in
// shared memory that is there without preload, read without locks, and cleared by the server itself
// when the transaction aborts or the backend dies. A training publishes itself there under a
// command number that none of the server's own progress views asks for.
#pragma once

#include "pg/guard.h"
#include "pg/pg.h"

namespace als::pg {

enum class Phase : int { kWaiting, kReading, kIndexing, kTraining, kWriting };

/// The progress of the training that this object accompanies. Cheap: plain stores to shared memory.
class Progress {
 public:
  /// schema and name of the model, which other sessions cannot look up before it is committed.
  Progress(Oid schema, const std::string& name, int iterations);

  void enter(Phase phase);
  void rows_read(std::int64_t rows);
  void iteration(int finished, double loss);

  /// Withdraws what is published: at the end (after an error the server does it), and before
  /// statements that report progress of their own, such as making an index, into the same counters.
  void hide();

 private:
  void publish();

  Oid schema_;
  NameData name_;
  std::int64_t iterations_;
  std::int64_t phase_ = 0;
  std::int64_t finished_ = 0;
  std::int64_t loss_bits_ = 0;
  std::int64_t rows_ = 0;
  TimestampTz started_;
  TimestampTz training_started_ = 0;
  TimestampTz iteration_finished_ = 0;
};

}  // namespace als::pg
