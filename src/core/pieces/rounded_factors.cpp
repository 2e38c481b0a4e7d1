// Multiples of powers of two.
#include "core/pieces/rounded_factors.h"

#include <algorithm>
#include <cstring>

#include "core/base/aligned_vector.h"
#include "core/kernels/kernels.h"

namespace als {
namespace {

// The largest multiple of a row has this many bits below its first.
constexpr int kBits = 14;

// Of rows.
constexpr int kLeastExponent = -126;  // of normal numbers
constexpr int kGreatestExponent = 127 - kBits;
constexpr int kNotFinite = 128;

// Of columns: that of the largest. Those that are smaller by more than this are taken for as small.
constexpr int kColumnRange = 30;

// Of a number of single precision.
constexpr int kFractionBits = 23;
constexpr int kExponentOffset = 127;

int exponent_of(std::int32_t magnitude) { return (magnitude >> kFractionBits) - kExponentOffset; }

float power_of_two(int exponent) {
  const auto bits = static_cast<std::uint32_t>(exponent + kExponentOffset) << kFractionBits;
  float power;
  std::memcpy(&power, &bits, sizeof power);
  return power;
}

/// Of each column that power of two, and zeros behind them as behind a row.
AlignedVector<float> powers_of_two(const ColumnExponents& exponents, int sign) {
  AlignedVector<float> powers(blocks_of(exponents.size()) * kBlock, 0.0F);
  for (std::size_t k = 0; k < exponents.size(); ++k) powers[k] = power_of_two(sign * exponents[k]);
  return powers;
}

/// That of a row in the units of its columns, or kNotFinite. per_column: one divided by those.
int row_exponent(const float* row, const AlignedVector<float>& per_column) {
  const int exponent =
      exponent_of(kernels().largest_magnitude(row, per_column.data(), per_column.size()));
  return exponent == kNotFinite ? exponent : std::max(exponent - kBits, kLeastExponent);
}

ColumnExponents column_exponents(const FactorMatrix& matrix) {
  const AlignedVector<float> ones(matrix.stride(), 1.0F);
  std::vector<std::int32_t> largest(matrix.stride());
  for (std::size_t r = 0; r < matrix.rows(); ++r) {
    const int exponent = row_exponent(matrix.row(r), ones);
    if (exponent == kNotFinite) continue;
    kernels().raise_magnitudes(matrix.row(r), power_of_two(-exponent), largest.size(),
                               largest.data());
  }
  ColumnExponents columns(matrix.cols());
  for (std::size_t k = 0; k < columns.size(); ++k) {
    const int below = kBits - exponent_of(largest[k]);
    columns[k] = static_cast<std::int8_t>(std::max(kColumnRange - below, 0));
  }
  return columns;
}

}  // namespace

ColumnExponents round_factors(Factors& factors) {
  FactorMatrix& matrix = factors.matrix;
  ColumnExponents exponents = column_exponents(matrix);
  const AlignedVector<float> columns = powers_of_two(exponents, 1);
  const AlignedVector<float> per_column = powers_of_two(exponents, -1);
  std::vector<std::int16_t> multiples(columns.size());
  for (std::size_t r = 0; r < matrix.rows(); ++r) {
    float* row = matrix.row(r);
    const int exponent = row_exponent(row, per_column);
    if (exponent == kNotFinite) continue;
    kernels().to_multiples(row, per_column.data(), power_of_two(-exponent), multiples.size(),
                           multiples.data());
    kernels().from_multiples(multiples.data(), columns.data(), power_of_two(exponent),
                             multiples.size(), row);
  }
  return exponents;
}

void put_rounded_factors(const Factors& factors, const ColumnExponents& columns,
                         PieceWriter& writer) {
  const FactorMatrix& matrix = factors.matrix;
  writer.put(columns);
  const AlignedVector<float> per_column = powers_of_two(columns, -1);
  std::vector<std::int16_t> numbers(1 + per_column.size());
  for (std::size_t r = 0; r < matrix.rows(); ++r) {
    const int exponent = row_exponent(matrix.row(r), per_column);
    numbers[0] = static_cast<std::int16_t>(exponent);
    if (exponent != kNotFinite)
      kernels().to_multiples(matrix.row(r), per_column.data(), power_of_two(-exponent),
                             per_column.size(), numbers.data() + 1);
    writer.put(numbers.data(), 1 + columns.size());
  }
  writer.put(factors.bias);
}

RoundedFactors read_rounded_factors(PieceReader& reader, std::size_t rows,
                                    const TrainOptions& options) {
  const auto n = static_cast<std::size_t>(options.factors);
  expect(reader.left() >= n && rows <= (reader.left() - n) / (rounded_factor_bytes(1, options) - n),
         "a piece is shorter than its contents");
  RoundedFactors rounded{
      {FactorMatrix::uninitialized(rows, n), std::vector<float>(options.biases ? rows : 0)},
      ColumnExponents(n)};
  reader.get(rounded.columns.data(), n);
  for (const std::int8_t column : rounded.columns)
    expect(column >= 0 && column <= kColumnRange, "a piece has a factor of no size");
  const AlignedVector<float> columns = powers_of_two(rounded.columns, 1);
  const AlignedVector<float> ones(columns.size(), 1.0F);
  FactorMatrix& matrix = rounded.factors.matrix;
  std::vector<std::int16_t> numbers(1 + columns.size());
  for (std::size_t r = 0; r < rows; ++r) {
    reader.get(numbers.data(), 1 + n);
    expect(numbers[0] >= kLeastExponent && numbers[0] <= kGreatestExponent,
           "a piece has a number that is not finite");
    kernels().from_multiples(numbers.data() + 1, columns.data(), power_of_two(numbers[0]),
                             columns.size(), matrix.row(r));
    expect(row_exponent(matrix.row(r), ones) != kNotFinite,
           "a piece has a number that is not finite");
  }
  std::vector<float>& bias = rounded.factors.bias;
  reader.get(bias.data(), bias.size());
  expect_finite(bias.data(), bias.size());
  return rounded;
}

}  // namespace als
