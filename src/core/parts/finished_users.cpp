// Finished users from bytes and to bytes.
#include "core/parts/finished_users.h"

#include "core/pieces/factor_bytes.h"

namespace als {

Bytes FinishedUsers::bytes() const {
  const FactorMatrix& matrix = factors.matrix;
  PieceWriter writer(Piece::kFinishedUsers, size() * (matrix.cols() + 4) * 4 + 64);
  writer.put(static_cast<std::uint32_t>(size()));
  writer.put(static_cast<std::uint32_t>(matrix.cols()));
  writer.put(static_cast<std::uint8_t>(factors.bias.empty() ? 0 : 1));
  put_factors(factors, writer);
  writer.put(ratings);
  writer.put(checksums);
  return writer.take();
}

FinishedUsers FinishedUsers::read(ByteView bytes) {
  PieceReader reader(bytes, Piece::kFinishedUsers);
  const auto rows = reader.get<std::uint32_t>();
  const auto factors = reader.get<std::uint32_t>();
  const auto biases = reader.get<std::uint8_t>();
  expect(factors >= 1 && factors <= kMaxFactors && biases <= 1, "users are out of range");
  TrainOptions options;
  options.factors = static_cast<int>(factors);
  options.biases = biases == 1;
  FinishedUsers users;
  users.factors = read_factors(reader, rows, options);
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
