// What a session keeps for the rest of a transaction.
#pragma once

#include <utility>

#include "pg/server/guard.h"

namespace als::pg {

/// Of this session and transaction, or null. Not a smart pointer: a backend ends without running
/// destructors, and the loading of the module would have to enter them.
template <class T>
inline T* kept_of_transaction = nullptr;

/// The T of this session and transaction: made when it is first asked for, destroyed when the
/// transaction ends.
template <class T>
T& kept_to_end() {
  T*& kept = kept_of_transaction<T>;
  static bool watching = false;
  if (!watching) {
    const XactCallback forget = [](XactEvent event, void*) {
      if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
        delete std::exchange(kept_of_transaction<T>, nullptr);
    };
    server([&] { RegisterXactCallback(forget, nullptr); });
    watching = true;
  }
  if (kept == nullptr) kept = new T;
  return *kept;
}

}  // namespace als::pg
