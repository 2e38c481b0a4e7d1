// Finished rows from bytes and to bytes.
#include "core/parts/finished_rows.h"

#include "core/pieces/factor_bytes.h"

namespace als {

Bytes FinishedRows::bytes() const {
  PieceWriter writer(Piece::kFinishedRows, size() * (factors.matrix.cols() + 5) * 4 + 64);
  put_shaped_factors(factors, writer);
  writer.put(ratings);
  writer.put(checksums);
  writer.put(popularity);
  return writer.take();
}

FinishedRows FinishedRows::read(ByteView bytes) {
  PieceReader reader(bytes, Piece::kFinishedRows);
  FinishedRows finished;
  finished.factors = read_shaped_factors(reader);
  const std::size_t rows = finished.factors.matrix.rows();
  // There are so many vectors.
  finished.ratings.resize(rows);
  reader.get(finished.ratings.data(), rows);
  finished.checksums.resize(rows);
  reader.get(finished.checksums.data(), rows);
  finished.popularity.resize(reader.left() > 0 ? rows : 0);
  reader.get(finished.popularity.data(), finished.popularity.size());
  expect_finite(finished.popularity.data(), finished.popularity.size());
  reader.end();
  expect(bytes.empty(), "rows with something behind them");
  return finished;
}

}  // namespace als
