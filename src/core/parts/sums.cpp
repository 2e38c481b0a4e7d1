// Adds up the parts' sums.
#include "core/parts/sums.h"

#include <utility>

#include "core/parts/part_sums.h"
#include "core/pieces/factor_bytes.h"

namespace als {
namespace {

void add_up(std::vector<double>& sums, const std::vector<double>& others) {
  for (std::size_t k = 0; k < sums.size(); ++k) sums[k] += others[k];
}

std::vector<double> read_doubles(PieceReader& reader, std::size_t n) {
  expect(n <= reader.left() / sizeof(double), "a piece is shorter than its contents");
  std::vector<double> values(n);
  reader.get(values.data(), n);
  expect_finite(values.data(), n);
  return values;
}

}  // namespace

Bytes SliceSums::bytes() const {
  PieceWriter writer(Piece::kSums,
                     vectors.matrix.rows() * (vectors.matrix.cols() + 1) * 4 + losses.size() * 16 +
                         curvatures.size() * 8 + gram.entries().size() * 8 + 128,
                     slice);
  writer.put(training);
  writer.put(block);
  writer.put(static_cast<std::uint8_t>(kind));
  writer.put(first_part);
  writer.put(last_part);
  writer.put(ratings);
  writer.put(rows);
  writer.put(static_cast<std::uint32_t>(vectors.matrix.cols()));
  writer.put(static_cast<std::uint8_t>(biases ? 1 : 0));
  writer.put(static_cast<std::uint8_t>(gram.empty() ? 0 : 1));
  if (is_of_one_part())
    put_rounded_factors(vectors, columns, writer);
  else
    put_factors(vectors, writer);
  writer.put(losses);
  writer.put(second_losses);
  writer.put(curvatures);
  writer.put(gram.entries());
  return writer.take();
}

SliceSums SliceSums::read(ByteView& pieces) {
  PieceReader reader(pieces, Piece::kSums);
  SliceSums sums{};
  sums.training = reader.get<std::uint64_t>();
  sums.block = reader.get<std::uint64_t>();
  const auto kind = reader.get<std::uint8_t>();
  sums.slice = reader.slice();
  sums.first_part = reader.get<std::uint32_t>();
  sums.last_part = reader.get<std::uint32_t>();
  sums.ratings = reader.get<std::uint64_t>();
  sums.rows = reader.get<std::uint32_t>();
  const auto factors = reader.get<std::uint32_t>();
  sums.biases = reader.get<std::uint8_t>() != 0;
  const auto has_gram = reader.get<std::uint8_t>();
  expect(kind <= static_cast<std::uint8_t>(BlockKind::kCandidates) &&
             sums.first_part <= sums.last_part && factors >= 1 && factors <= kMaxFactors &&
             has_gram <= 1,
         "the sums of a slice are out of range");
  sums.kind = static_cast<BlockKind>(kind);
  TrainOptions options;
  options.factors = static_cast<int>(factors);
  options.biases = sums.biases;
  const std::size_t vectors = sums_vectors(sums.kind) ? sums.rows : 0;
  if (sums.is_of_one_part()) {
    RoundedFactors rounded = read_rounded_factors(reader, vectors, options);
    sums.vectors = std::move(rounded.factors);
    sums.columns = std::move(rounded.columns);
  } else {
    sums.vectors = read_factors(reader, vectors, options);
  }
  sums.losses = read_doubles(reader, sums_losses(sums.kind) ? sums.rows : 0);
  sums.second_losses = read_doubles(reader, sums_losses(sums.kind) ? sums.rows : 0);
  const bool has_curvatures = sums.kind == BlockKind::kLastDirections;
  sums.curvatures = read_doubles(reader, has_curvatures ? sums.rows : 0);
  if (has_gram == 1) {
    sums.gram = DoubleGram(factors, read_doubles(reader, std::size_t{factors} * factors));
  }
  reader.end();
  return sums;
}

void SliceSums::add(const SliceSums& other) {
  expect(other.training == training && other.block == block && other.kind == kind &&
             other.slice == slice && other.rows == rows && other.biases == biases &&
             other.vectors.matrix.cols() == vectors.matrix.cols() &&
             other.gram.entries().size() == gram.entries().size(),
         "sums of two different steps or slices cannot be added up");
  expect(last_part < other.first_part, "sums of parts must be added up in the order of the parts");
  last_part = other.last_part;
  ratings += other.ratings;
  add_up(vectors, other.vectors);
  add_up(losses, other.losses);
  add_up(second_losses, other.second_losses);
  add_up(curvatures, other.curvatures);
  gram.add(other.gram);
}

ByteView piece_of_slice(ByteView pieces, std::uint32_t slice) {
  while (!pieces.empty()) {
    const PieceFacts piece = take_piece(pieces);
    if (piece.slice == slice) return piece.bytes;
  }
  throw InvalidBytes("there is no piece of this slice");
}

}  // namespace als
