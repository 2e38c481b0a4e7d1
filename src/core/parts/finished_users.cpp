// Finished users from bytes and to bytes.
#include "core/parts/finished_users.h"

#include "core/pieces/factor_bytes.h"

namespace als {

Bytes FinishedUsers::bytes() const {
  PieceWriter writer(Piece::kFinishedUsers, size() * (factors.matrix.cols() + 4) * 4 + 64);
  put_shaped_factors(factors, writer);
  writer.put(ratings);
  writer.put(checksums);
  return writer.take();
}

FinishedUsers FinishedUsers::read(ByteView bytes) {
  PieceReader reader(bytes, Piece::kFinishedUsers);
  FinishedUsers users;
  users.factors = read_shaped_factors(reader);
  const std::size_t rows = users.factors.matrix.rows();
  // There are so many vectors.
  users.ratings.resize(rows);
  reader.get(users.ratings.data(), rows);
  users.checksums.resize(rows);
  reader.get(users.checksums.data(), rows);
  reader.end();
  expect(bytes.empty(), "users with something behind them");
  return users;
}

}  // namespace als
