// Ends transactions and subtransactions through the bridge.
#include "pg/sql/transaction_steps.h"

namespace als::pg {

void require_own_transactions(FunctionCallInfo fcinfo, const char* procedure) {
  const auto* call = reinterpret_cast<const CallContext*>(fcinfo->context);
  if (call != nullptr && IsA(call, CallContext) && !call->atomic && !IsSubTransaction()) return;
  throw UserError(
      ERRCODE_INVALID_TRANSACTION_TERMINATION,
      format("%s cannot be called where its transaction has to go on", procedure),
      "Call it outside of a transaction block, a function, or a block with an exception "
      "clause; it commits more than once.");
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
  server([&] {
    BeginInternalSubTransaction(nullptr);
    MemoryContextSwitchTo(context_);
  });
}

void Subtransaction::undo() {
  server([&] {
    RollbackAndReleaseCurrentSubTransaction();
    MemoryContextSwitchTo(context_);
    CurrentResourceOwner = owner_;
  });
}

}  // namespace als::pg
