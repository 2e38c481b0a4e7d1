// Whether ids fit into the index of a factor table.
#pragma once

#include "pg/ids/id_dictionary.h"

namespace als::pg {

/// Refuses ids that an index row cannot hold as they are read, not when the index is written, which
/// is after all the work.
class KeySizeCheck {
 public:
  /// `side` names the ids in the message: "user" or "item". `ids` must outlive this.
  KeySizeCheck(const IdDictionary& ids, const char* side) : ids_(ids), side_(side) {}

  /// Looks at the ids that have been added since the last call. Throws
  /// ERRCODE_PROGRAM_LIMIT_EXCEEDED.
  void check();

 private:
  const IdDictionary& ids_;
  const char* side_;
  std::uint32_t checked_ = 0;
};

}  // namespace als::pg
