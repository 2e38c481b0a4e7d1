// Queries of our own, run as the caller.
#pragma once

#include <initializer_list>

#include "pg/server/guard.h"
#include "pg/server/pg.h"

namespace als::pg {

/// An open SPI connection. Deliberately without SPI_finish in a destructor: after an error the
/// server closes it when it aborts the (sub)transaction, which every error here leads to.
class SpiConnection {
 public:
  enum class Mode { kAtomic, kMayCommit };

  explicit SpiConnection(Mode mode = Mode::kAtomic);
  void finish();

 private:
  MemoryContext outer_ = nullptr;
};

/// A fresh snapshot made the active one: in read committed it sees what has been committed since
/// the calling statement began. Like a connection it is left to the server after an error.
class SnapshotScope {
 public:
  SnapshotScope() {
    server([] { PushActiveSnapshot(GetTransactionSnapshot()); });
  }
  void pop() {
    server([] { PopActiveSnapshot(); });
  }
};

/// A value of type text that is not null.
std::string text_value(Datum value);

/// A query parameter.
struct Param {
  Oid type;
  Datum value;
  bool is_null = false;
};

/// Runs a statement that may write, with a fresh snapshot. Returns the number of rows processed;
/// rows returned are in SPI_tuptable.
std::uint64_t execute(const std::string& sql, const std::vector<Param>& params = {});

/// A prepared plan that lives until the end of the connection. It is to be run before anything of
/// the user's is: the server does not look again at what its names mean, which that may have
/// changed.
SPIPlanPtr prepare(const std::string& sql, std::initializer_list<Oid> types = {});

/// A prepared plan that is kept for the session, for queries that serving asks again and again.
SPIPlanPtr saved_plan(const std::string& sql, std::initializer_list<Oid> types);

/// The columns of a plan's result.
TupleDesc result_columns(SPIPlanPtr plan);

/// Runs a read-only plan under the active snapshot and hands every row to on_row(state, slot) as it
/// comes, without a tuple table in between. `types` are those of the columns that on_row takes for
/// granted (InvalidOid: any). They were looked up before, and what the query's names mean may have
/// changed since: that raises 55000. on_row runs inside the executor, in a memory context
/// that is emptied before each row; it may raise server errors but must not throw.
using RowFunction = void (*)(void* state, TupleTableSlot* slot);
void stream_rows(SPIPlanPtr plan, std::initializer_list<Param> params,
                 const std::vector<Oid>& types, RowFunction on_row, void* state);

/// Raises 55000 where a query's columns are no longer of these types. A server call.
void check_columns(TupleDesc columns, const std::vector<Oid>& types);

/// The same for a function object, which may throw.
template <class OnRow>
void for_each_row(SPIPlanPtr plan, std::initializer_list<Param> params,
                  const std::vector<Oid>& types, OnRow&& on_row) {
  using Function = std::remove_reference_t<OnRow>;
  stream_rows(
      plan, params, types,
      [](void* state, TupleTableSlot* slot) {
        guard([&] { (*static_cast<Function*>(state))(slot); });
      },
      &on_row);
}

/// Hands the rows of a query, under a fresh snapshot, to take(slot).
template <class Take>
void for_each_current_row(const std::string& sql, const std::vector<Oid>& types, Take&& take) {
  SnapshotScope snapshot;
  const SPIPlanPtr plan = prepare(sql);
  for_each_row(plan, {}, types, take);
  server([&] { SPI_freeplan(plan); });
  snapshot.pop();
}

/// The first column of the first row of a query, a bigint, under a fresh snapshot.
std::int64_t fetch_number(const std::string& sql, const std::vector<Param>& params = {});

/// How many rows "from ..." has under a fresh snapshot.
std::int64_t count_rows(const std::string& from, const std::vector<Param>& params = {});

/// The schema-qualified, quoted name of a relation; empty if there is none with this OID.
std::string relation_name(Oid relation);

/// The same for a statement that reads it: nobody can give the name to another relation any more.
/// Throws 42P01 if there is none.
std::string locked_name(Oid relation);

/// A quoted identifier.
std::string quoted(const std::string& identifier);

}  // namespace als::pg
