// Stands a number in the place of a chunk's users.
#include "pg/steps/kept_users.h"

#include "pg/steps/kept_values.h"

namespace als::pg {

namespace {

using KeptUsers = KeptValues<ChunkUsers>;

/// What stands for users that are kept.
struct Handle {
  ChunkId chunk;
  std::uint64_t number;
};

std::size_t memory_of(const ChunkUsers& users) {
  const FactorMatrix& matrix = users.factors.matrix;
  return (matrix.rows() * matrix.stride() + users.factors.bias.size()) * sizeof(float);
}

}  // namespace

UsersArg::UsersArg(FunctionCallInfo fcinfo, int index) {
  const ByteView bytes = read_pair(bytes_arg(fcinfo, index, "users")).second;
  Handle handle;
  if (bytes.size() != sizeof(handle)) {
    users_ = &read_.emplace(ChunkUsers::read(bytes));
    return;
  }
  std::memcpy(&handle, bytes.data(), sizeof(handle));
  number_ = handle.number;
  users_ = KeptUsers::of_session().find(number_);
  if (users_ == nullptr || !(users_->chunk == handle.chunk))
    throw InvalidBytes("users are kept by another session");
}

ChunkUsers UsersArg::take() {
  return read_ ? std::move(*read_) : KeptUsers::of_session().take(number_);
}

Datum store_users(ChunkUsers&& users, ByteView report) {
  KeptUsers& kept = KeptUsers::of_session();
  const std::size_t bytes = memory_of(users);
  if (!kept.has_room(bytes)) return PointerGetDatum(bytea_of_pair(report, users.bytes()));
  Handle handle{users.chunk, 0};
  handle.number = kept.keep(std::move(users), bytes);
  return PointerGetDatum(bytea_of_pair(report, bytes_of(handle)));
}

}  // namespace als::pg
