// What other servers send, which is not als's own until it has been looked at.
#pragma once

#include "core/pieces/bytes.h"
#include "pg/server/guard.h"

namespace als::pg {

/// Memory, and the model, depend on it. Throws HV000, to which a session adds its server's name.
/// what: "numbers that cannot be".
inline void check_sent(bool is_possible, const std::string& what) {
  if (is_possible) return;
  throw UserError(ERRCODE_FDW_ERROR, "it has sent " + what,
                  "See whether triggers or functions there change what als has made.");
}

/// The same for bytes that body() reads.
template <class Body>
void check_sent_bytes(Body&& body) {
  try {
    body();
  } catch (const InvalidBytes& error) {
    check_sent(false, std::string("bytes that cannot be: ") + error.what());
  }
}

}  // namespace als::pg
