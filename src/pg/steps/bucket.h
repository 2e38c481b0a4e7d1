// Which of so many buckets the id of a key belongs to.
#pragma once

#include "core/base/splitmix.h"

namespace als::pg {

/// Not the key's own bits, by which an engine may have spread the rows already.
inline std::int64_t bucket_of(std::uint64_t key, std::int64_t buckets) {
  return static_cast<std::int64_t>(splitmix(key + kSplitmixStep) %
                                   static_cast<std::uint64_t>(buckets));
}

}  // namespace als::pg
