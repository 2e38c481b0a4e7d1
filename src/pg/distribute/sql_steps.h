// The steps of a training in parts, as SQL statements.
#pragma once

#include <functional>

#include "core/parts/parts_trainer.h"
#include "core/pieces/step_head.h"
#include "pg/distribute/workspace.h"
#include "pg/server/progress.h"

namespace als::pg {

/// The first column of the only row of a query, which is a bytea that may be null: empty then.
Bytes fetch_bytes(const std::string& sql, const std::vector<Param>& params = {});

/// A parameter with a copy of these bytes, freed with this.
class BytesParam {
 public:
  explicit BytesParam(ByteView bytes);
  ~BytesParam();
  BytesParam(const BytesParam&) = delete;
  BytesParam& operator=(const BytesParam&) = delete;
  operator Param() const { return {BYTEAOID, value_}; }  // NOLINT: that is what it is for

 private:
  Datum value_;
};

class SqlSteps : public PartsRunner {
 public:
  /// slices: of items; threads: of each step, where it runs; machines: that get each block.
  SqlSteps(Workspace& workspace, std::uint32_t slices, int threads, std::int64_t machines,
           Progress& progress)
      : workspace_(workspace),
        slices_(slices),
        threads_(threads),
        machines_(machines),
        progress_(progress) {}

  Bytes step_users(const Bytes& step) override;
  Bytes step_items(const Bytes& step) override;

  /// What all slices report.
  Bytes reports() const;

  /// What all users report.
  static Bytes user_reports(const Workspace& workspace);

 protected:
  /// Has every session that has chunks keep the items' vectors for a step, and the step.
  virtual void gather_block(const Param& step);
  void block_has(std::int64_t bytes) { block_bytes_ = bytes; }

  /// The half-step of all users.
  virtual void solve_users();

  /// What all parts report of that: take(part, report).
  using TakeReport = std::function<void(int part, ByteView report)>;
  virtual void read_user_reports(const TakeReport& take);
  static void read_reports(const std::string& query, const TakeReport& take);
  template <class Read>
  static Bytes summed(Read&& read);

  /// Gathers what the parts add up for each slice, about so many bytes.
  virtual void gather_sums(std::int64_t bytes);

  /// The last three as statements over these tables. Parameters: $1 threads; none; $1 threads,
  /// $2 the places of the slices.
  static std::string users_statement(const Workspace& tables);
  static std::string user_reports_query(const Workspace& tables);
  static std::string sums_query(const Workspace& tables);

  Workspace& workspace() const { return workspace_; }
  std::vector<int> slice_places() const { return workspace_.slice_places(slices_); }
  std::uint32_t slices() const { return slices_; }
  int threads() const { return threads_; }

 private:
  std::int64_t bytes_of_sums(const StepHead& head) const;

  Workspace& workspace_;
  std::uint32_t slices_;
  int threads_;
  std::int64_t machines_;
  Progress& progress_;
  std::int64_t block_bytes_ = 0;
};

}  // namespace als::pg
