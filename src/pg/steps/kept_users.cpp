// Knows users again by numbers that nothing else has.
#include "pg/steps/kept_users.h"

#include <map>

#include "pg/server/random_number.h"
#include "pg/server/settings.h"
#include "pg/steps/kept_to_end.h"

namespace als::pg {

namespace {

using ChunkKey = std::pair<std::uint32_t, std::uint32_t>;

ChunkKey key_of_chunk(const ChunkId& id) { return {id.part, id.number}; }

/// What stands for users that are kept.
struct Handle {
  ChunkId chunk;
  std::uint64_t number;
};

std::size_t memory_of(const ChunkUsers& users) {
  const FactorMatrix& matrix = users.factors.matrix;
  return (matrix.rows() * matrix.stride() + users.factors.bias.size()) * sizeof(float);
}

/// Of one training: those of the last one stay, if the same transaction begins another.
struct KeptUsers {
  struct Kept {
    std::uint64_t number;
    ChunkUsers users;
  };
  std::uint64_t training = 0;
  std::size_t bytes = 0;
  std::map<ChunkKey, Kept> chunks;

  void forget(const ChunkKey& chunk) {
    const auto found = chunks.find(chunk);
    if (found == chunks.end()) return;
    bytes -= memory_of(found->second.users);
    chunks.erase(found);
  }
};

}  // namespace

UsersArg::UsersArg(FunctionCallInfo fcinfo, int index) {
  const ByteView bytes = read_pair(bytes_arg(fcinfo, index, "users")).second;
  Handle handle;
  if (bytes.size() != sizeof(handle)) {
    users_ = &read_.emplace(ChunkUsers::read(bytes));
    return;
  }
  std::memcpy(&handle, bytes.data(), sizeof(handle));
  const auto& chunks = kept_to_end<KeptUsers>().chunks;
  const auto found = chunks.find(key_of_chunk(handle.chunk));
  if (found == chunks.end() || found->second.number != handle.number)
    throw InvalidBytes("users are kept by another session");
  users_ = &found->second.users;
}

ChunkUsers UsersArg::take() {
  if (read_) return std::move(*read_);
  auto& kept = kept_to_end<KeptUsers>();
  const ChunkKey chunk = key_of_chunk(users_->chunk);
  kept.bytes -= memory_of(*users_);
  ChunkUsers users = std::move(kept.chunks.at(chunk).users);
  kept.chunks.erase(chunk);
  return users;
}

Datum store_users(ChunkUsers&& users, ByteView report) {
  auto& kept = kept_to_end<KeptUsers>();
  if (kept.training != users.training) kept = {};
  kept.training = users.training;
  const Handle handle{users.chunk, random_number()};
  const ChunkKey chunk = key_of_chunk(users.chunk);
  kept.forget(chunk);
  const std::size_t bytes = memory_of(users);
  const std::size_t most = max_memory() / 4;
  if (bytes > most || kept.bytes > most - bytes)
    return PointerGetDatum(bytea_of_pair(report, users.bytes()));
  const Datum stored = PointerGetDatum(
      bytea_of_pair(report, {reinterpret_cast<const char*>(&handle), sizeof(handle)}));
  kept.chunks.emplace(chunk, KeptUsers::Kept{handle.number, std::move(users)});
  kept.bytes += bytes;
  return stored;
}

}  // namespace als::pg
