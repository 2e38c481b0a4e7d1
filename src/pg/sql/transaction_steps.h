// Work in several transactions, one after the other, as a procedure may do it.
#pragma once

#include "pg/server/guard.h"
#include "pg/server/pg.h"

namespace als::pg {

/// Throws 2D000 unless this call of a procedure may end the transaction that it runs in.
void require_own_transactions(FunctionCallInfo fcinfo, const char* procedure);

/// Throws 2D000 in a transaction block, or after a savepoint. Of a function that such a procedure
/// in PL/pgSQL calls: whether that one is called in a function itself cannot be seen there.
void require_no_transaction_block(const char* procedure);

/// Commits, and begins the next step in a transaction of its own, read committed: what it finds is
/// what is committed then. It holds neither a snapshot nor a transaction id before it reads or
/// writes. Needs an SPI connection that may commit, and no snapshot of ours.
void begin_next_step();

/// Commits; whatever the caller does next is in a transaction as the session wants it.
void end_last_step();

/// Gives this step the snapshot that a statement would have, until it ends.
void take_step_snapshot();

/// A subtransaction, to be ended in any case: the server does not do it itself after an error.
class Subtransaction {
 public:
  Subtransaction();
  void keep();
  void undo();  ///< Does nothing if it has ended.

 private:
  void change(bool opens, void (*begin_or_end)());

  bool is_open_ = false;
  MemoryContext context_;
  ResourceOwner owner_;
};

/// Runs what may change the database, and undoes the changes.
template <class Body>
void run_and_undo(Body&& body) {
  Subtransaction subtransaction;
  try {
    body();
  } catch (...) {
    subtransaction.undo();
    throw;
  }
  subtransaction.undo();
}

}  // namespace als::pg
