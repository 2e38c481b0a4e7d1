// The steps of a training in parts, as SQL statements.
#pragma once

#include "core/parts/parts_trainer.h"
#include "pg/distribute/workspace.h"

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

/// Of a part's pieces one row each: what follows their table and "cross join". last: the last
/// slice.
std::string for_each_slice(const char* last);

class SqlSteps : public PartsRunner {
 public:
  /// slices: of items; threads: of each step, where it runs.
  SqlSteps(Workspace& workspace, std::uint32_t slices, int threads)
      : workspace_(workspace), slices_(slices), threads_(threads) {}

  Bytes step_users(const Bytes& step) override;
  Bytes step_items(const Bytes& step) override;

  /// What all slices report.
  Bytes reports() const;

  /// What all users report.
  static Bytes user_reports(const Workspace& workspace);

 private:
  void gather_block(const Param& step, bool with_step);
  std::string block() const;
  std::string chunks_with_users() const;

  Workspace& workspace_;
  std::uint32_t slices_;
  int threads_;
};

}  // namespace als::pg
