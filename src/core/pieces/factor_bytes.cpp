// Takes the padding off, and puts it back.
#include "core/pieces/factor_bytes.h"

namespace als {

void put_factors(const Factors& factors, PieceWriter& writer) {
  const FactorMatrix& matrix = factors.matrix;
  if (matrix.cols() == matrix.stride()) {
    writer.put(matrix.row(0), matrix.rows() * matrix.cols());
  } else {
    for (std::size_t row = 0; row < matrix.rows(); ++row) {
      writer.put(matrix.row(row), matrix.cols());
    }
  }
  writer.put(factors.bias);
}

void put_shaped_factors(const Factors& factors, PieceWriter& writer) {
  writer.put(static_cast<std::uint32_t>(factors.matrix.rows()));
  writer.put(static_cast<std::uint32_t>(factors.matrix.cols()));
  writer.put(static_cast<std::uint8_t>(factors.bias.empty() ? 0 : 1));
  put_factors(factors, writer);
}

void check_fits(std::size_t rows, const TrainOptions& options) {
  if (factor_bytes(rows, options) > PieceWriter::kMaxBytes) {
    throw std::length_error("a piece of a training over parts is larger than 1000 MB");
  }
}

Factors read_factors(PieceReader& reader, std::size_t rows, const TrainOptions& options) {
  const auto n = static_cast<std::size_t>(options.factors);
  expect(rows <= reader.left() / (options.unknowns() * sizeof(float)),
         "a piece is shorter than its contents");
  Factors factors{FactorMatrix::uninitialized(rows, n),
                  std::vector<float>(options.biases ? rows : 0)};
  FactorMatrix& matrix = factors.matrix;
  if (n == matrix.stride()) {
    reader.get(matrix.row(0), rows * n);
    expect_finite(matrix.row(0), rows * n);
  } else {
    for (std::size_t row = 0; row < rows; ++row) {
      matrix.clear_row(row);
      reader.get(matrix.row(row), n);
      expect_finite(matrix.row(row), n);
    }
  }
  reader.get(factors.bias.data(), factors.bias.size());
  expect_finite(factors.bias.data(), factors.bias.size());
  return factors;
}

Factors read_shaped_factors(PieceReader& reader) {
  const auto rows = reader.get<std::uint32_t>();
  const auto factors = reader.get<std::uint32_t>();
  const auto biases = reader.get<std::uint8_t>();
  expect(factors >= 1 && factors <= kMaxFactors && biases <= 1, "factors are out of range");
  TrainOptions options;
  options.factors = static_cast<int>(factors);
  options.biases = biases == 1;
  return read_factors(reader, rows, options);
}

}  // namespace als
