// What a session keeps for the rest of a transaction.
#pragma once

#include <memory>

#include "pg/server/guard.h"

namespace als::pg {

/// Of this session and transaction, or null.
template <class T>
inline std::unique_ptr<T> kept_of_transaction;

/// The T of this session and transaction: made when it is first asked for, destroyed when the
/// transaction ends.
template <class T>
T& kept_to_end() {
  std::unique_ptr<T>& kept = kept_of_transaction<T>;
  static bool watching = false;
  if (!watching) {
    const XactCallback forget = [](XactEvent event, void*) {
      if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
        kept_of_transaction<T>.reset();
    };
    server([&] { RegisterXactCallback(forget, nullptr); });
    watching = true;
  }
  if (kept == nullptr) kept = std::make_unique<T>();
  return *kept;
}

}  // namespace als::pg
