// Ends transactions and subtransactions through the bridge.
#include "pg/sql/transaction_steps.h"

namespace als::pg {

namespace {

[[noreturn]] void throw_may_not_commit(const char* procedure) {
  // An exception clause opens a subtransaction, in which IsTransactionBlock() holds too.
  const bool in_savepoint = IsSubTransaction();
  const bool in_block = !in_savepoint && IsTransactionBlock();
  const char* where = in_savepoint ? "after a savepoint or in a block with an exception clause"
                      : in_block   ? "in a transaction block"
                                 : "in a function, or in a procedure with security definer or set";
  const char* hint =
      in_savepoint ? "Move the call out of the block with the exception clause, and out of any "
                     "transaction block."
      : in_block   ? "Call it on its own: after COMMIT, with the client's autocommit on, and not "
                     "in one string with other statements."
                   : "Call it at the top level, or from procedures and DO blocks that are called "
                     "there themselves.";
  throw UserError(ERRCODE_INVALID_TRANSACTION_TERMINATION,
                  format("%s cannot be called %s", procedure, where), hint,
                  "It commits more than once.");
}

}  // namespace

void require_own_transactions(FunctionCallInfo fcinfo, const char* procedure) {
  const auto* call = reinterpret_cast<const CallContext*>(fcinfo->context);
  const bool may = call != nullptr && IsA(call, CallContext) && !call->atomic;
  if (!may || IsSubTransaction()) throw_may_not_commit(procedure);
}

void require_no_transaction_block(const char* procedure) {
  if (IsTransactionBlock() || IsSubTransaction()) throw_may_not_commit(procedure);
}

void begin_next_step() {
  end_last_step();
  XactIsoLevel = XACT_READ_COMMITTED;
}

void end_last_step() {
  server([] {
    SPI_commit();
    // Done by the former in 15 and later.
    SPI_start_transaction();
  });
}

void take_step_snapshot() {
  server([] { EnsurePortalSnapshotExists(); });
}

Subtransaction::Subtransaction() : context_(CurrentMemoryContext), owner_(CurrentResourceOwner) {
  change(true, [] { BeginInternalSubTransaction(nullptr); });
}

void Subtransaction::keep() {
  change(false, [] { ReleaseCurrentSubTransaction(); });
  CurrentResourceOwner = owner_;
}

void Subtransaction::undo() {
  if (is_open_) change(false, [] { RollbackAndReleaseCurrentSubTransaction(); });
  CurrentResourceOwner = owner_;
}

void Subtransaction::change(bool opens, void (*begin_or_end)()) {
  try {
    server([&] {
      begin_or_end();
      is_open_ = opens;
      MemoryContextSwitchTo(context_);
    });
  } catch (...) {
    // The server ends what has begun. Whoever unwinds releases what the outer transaction owns.
    CurrentResourceOwner = owner_;
    throw;
  }
}

}  // namespace als::pg
