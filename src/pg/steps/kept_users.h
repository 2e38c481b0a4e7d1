// The users of a chunk that a session keeps from step to step.
#pragma once

#include "core/parts/users_bytes.h"
#include "pg/steps/bytea_bytes.h"

namespace als::pg {

/// An argument that store_users() has made, or bytes of both. Of users that this session keeps it
/// has a number by which they are found: see SliceArg.
class UsersArg {
 public:
  /// Throws InvalidBytes.
  UsersArg(FunctionCallInfo fcinfo, int index);
  const ChunkUsers& users() const { return *users_; }

  /// The users, to be changed and then stored: they are no longer kept.
  ChunkUsers take();

 private:
  std::optional<ChunkUsers> read_;
  std::uint64_t number_ = 0;  // else
  const ChunkUsers* users_;
};

/// A value for the table of users: what they report, and themselves. They are kept if there is room
/// for them: see KeptValues.
Datum store_users(ChunkUsers&& users, ByteView report);

}  // namespace als::pg
