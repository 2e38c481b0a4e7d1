// Multiples of powers of two. The inner loops have no calls and no branches, so that compilers make
// vectors of them.
#include "core/pieces/rounded_factors.h"

#include <algorithm>
#include <cstring>

namespace als {
namespace {

// The largest multiple of a row has this many bits below its first.
constexpr int kBits = 14;
constexpr float kMost = 32767;

// Of rows.
constexpr int kLeastExponent = -126;  // of normal numbers
constexpr int kGreatestExponent = 127 - kBits;
constexpr std::int16_t kNotFinite = 128;

// Of columns: that of the largest. Those that are smaller by more than this are taken for as small.
constexpr int kColumnRange = 30;

// Of a number of single precision.
constexpr int kFractionBits = 23;
constexpr int kExponentOffset = 127;
constexpr std::uint32_t kWithoutSign = 0x7fffffff;

// To add this to a number rounds it to a whole one, which the last bits of the sum then are.
constexpr float kRounds = 12582912;  // 1.5 * 2^23
constexpr std::int32_t kRoundsBits = 0x4b400000;

std::uint32_t magnitude(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits & kWithoutSign;
}

int exponent_of(std::uint32_t magnitude) {
  return static_cast<int>(magnitude >> kFractionBits) - kExponentOffset;
}

float power_of_two(int exponent) {
  const auto bits = static_cast<std::uint32_t>(exponent + kExponentOffset) << kFractionBits;
  float power;
  std::memcpy(&power, &bits, sizeof power);
  return power;
}

std::vector<float> powers_of_two(const ColumnExponents& exponents, int sign) {
  std::vector<float> powers;
  for (const std::int8_t exponent : exponents) powers.push_back(power_of_two(sign * exponent));
  return powers;
}

/// That of a row in the units of its columns, or kNotFinite. per: one divided by those.
int row_exponent(const float* row, const std::vector<float>& per) {
  std::uint32_t largest = 0;
  for (std::size_t k = 0; k < per.size(); ++k)
    largest = std::max(largest, magnitude(row[k] * per[k]));
  const int exponent = exponent_of(largest);
  return exponent == kNotFinite ? exponent : std::max(exponent - kBits, kLeastExponent);
}

ColumnExponents column_exponents(const FactorMatrix& matrix) {
  const std::size_t n = matrix.cols();
  const std::vector<float> ones(n, 1.0F);
  std::vector<std::uint32_t> largest(n);
  for (std::size_t r = 0; r < matrix.rows(); ++r) {
    const float* row = matrix.row(r);
    const int exponent = row_exponent(row, ones);
    if (exponent == kNotFinite) continue;
    const float per = power_of_two(-exponent);
    for (std::size_t k = 0; k < n; ++k) largest[k] = std::max(largest[k], magnitude(row[k] * per));
  }
  ColumnExponents columns(n);
  for (std::size_t k = 0; k < n; ++k) {
    const int below = kBits - exponent_of(largest[k]);
    columns[k] = static_cast<std::int8_t>(std::max(kColumnRange - below, 0));
  }
  return columns;
}

/// of: the row's power of two.
void to_multiples(const float* row, const std::vector<float>& per_column, float of,
                  std::int16_t* multiples) {
  const float per_row = 1.0F / of;
  for (std::size_t k = 0; k < per_column.size(); ++k) {
    const float value = row[k] * per_column[k] * per_row;
    const float sum = std::min(std::max(value, -kMost), kMost) + kRounds;
    std::int32_t bits;
    std::memcpy(&bits, &sum, sizeof bits);
    multiples[k] = static_cast<std::int16_t>(bits - kRoundsBits);
  }
}

void from_multiples(const std::int16_t* multiples, const std::vector<float>& columns, float of,
                    float* row) {
  for (std::size_t k = 0; k < columns.size(); ++k)
    row[k] = static_cast<float>(multiples[k]) * of * columns[k];
}

}  // namespace

ColumnExponents round_factors(Factors& factors) {
  FactorMatrix& matrix = factors.matrix;
  const ColumnExponents exponents = column_exponents(matrix);
  const std::vector<float> columns = powers_of_two(exponents, 1);
  const std::vector<float> per_column = powers_of_two(exponents, -1);
  std::vector<std::int16_t> multiples(matrix.cols());
  for (std::size_t r = 0; r < matrix.rows(); ++r) {
    float* row = matrix.row(r);
    const int exponent = row_exponent(row, per_column);
    if (exponent == kNotFinite) continue;
    to_multiples(row, per_column, power_of_two(exponent), multiples.data());
    from_multiples(multiples.data(), columns, power_of_two(exponent), row);
  }
  return exponents;
}

void put_rounded_factors(const Factors& factors, const ColumnExponents& columns,
                         PieceWriter& writer) {
  const FactorMatrix& matrix = factors.matrix;
  writer.put(columns);
  const std::vector<float> per_column = powers_of_two(columns, -1);
  std::vector<std::int16_t> numbers(columns.size() + 1);
  for (std::size_t r = 0; r < matrix.rows(); ++r) {
    const int exponent = row_exponent(matrix.row(r), per_column);
    numbers[0] = static_cast<std::int16_t>(exponent);
    if (exponent != kNotFinite)
      to_multiples(matrix.row(r), per_column, power_of_two(exponent), numbers.data() + 1);
    writer.put(numbers);
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
  const std::vector<float> columns = powers_of_two(rounded.columns, 1);
  FactorMatrix& matrix = rounded.factors.matrix;
  std::vector<std::int16_t> numbers(n + 1);
  for (std::size_t r = 0; r < rows; ++r) {
    reader.get(numbers.data(), numbers.size());
    expect(numbers[0] >= kLeastExponent && numbers[0] <= kGreatestExponent,
           "a piece has a number that is not finite");
    if (n < matrix.stride()) matrix.clear_row(r);
    from_multiples(numbers.data() + 1, columns, power_of_two(numbers[0]), matrix.row(r));
    expect_finite(matrix.row(r), n);
  }
  std::vector<float>& bias = rounded.factors.bias;
  reader.get(bias.data(), bias.size());
  expect_finite(bias.data(), bias.size());
  return rounded;
}

}  // namespace als
