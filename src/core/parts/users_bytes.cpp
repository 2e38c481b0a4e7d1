// Users from bytes and to bytes.
#include "core/parts/users_bytes.h"

#include "core/parts/users_step.h"
#include "core/pieces/step_head.h"

namespace als {

Bytes ChunkUsers::bytes() const {
  PieceWriter writer(Piece::kUsers, factors.matrix.rows() * (factors.matrix.cols() + 1) * 4 + 64);
  writer.put(training);
  writer.put(number);
  writer.put(chunk.part);
  writer.put(chunk.number);
  put_shaped_factors(factors, writer);
  return writer.take();
}

ChunkUsers ChunkUsers::read(ByteView bytes) {
  PieceReader reader(bytes, Piece::kUsers);
  ChunkUsers users{};
  users.training = reader.get<std::uint64_t>();
  users.number = reader.get<std::uint64_t>();
  users.chunk.part = reader.get<std::uint32_t>();
  users.chunk.number = reader.get<std::uint32_t>();
  users.factors = read_shaped_factors(reader);
  reader.end();
  return users;
}

void ChunkUsers::check(const ChunkFacts& facts, const PartsTraining& its_training,
                       std::uint64_t its_number) const {
  expect(training == key_of(its_training), "users of another training");
  expect(chunk == facts.id && factors.matrix.rows() == facts.users, "users of another chunk");
  expect(number == its_number, "users of another step of the training");
  const auto columns = static_cast<std::size_t>(its_training.options.factors);
  expect(factors.matrix.cols() == columns &&
             factors.bias.size() == (its_training.options.biases ? factors.matrix.rows() : 0),
         "users with other factors than the training");
}

Factors factors_of_users(ByteView users) { return ChunkUsers::read(users).factors; }

}  // namespace als
