// Factors in pieces, in 16 bits a number.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/linalg/factor_matrix.h"
#include "core/pieces/pieces.h"
#include "core/train/options.h"

namespace als {

/// Exponents of powers of two, one a factor, in whose units the numbers of all rows are of like
/// size.
using ColumnExponents = std::vector<std::int8_t>;

/// Rounds each number to 16 bits: to a whole multiple, less than 2^15, of a power of two. Of which
/// one, a row and a column say: the columns as they are returned, a row so that its largest number
/// in its columns' units is a multiple of 2^14 or more. Rounding twice, in the same columns' units,
/// is rounding once. No bit depends on the processor: products with powers of two are exact, and
/// numbers halfway go to the even one. Rows that are not finite, and biases, stay as they are; of
/// numbers below 2^-80 less or nothing is left.
ColumnExponents round_factors(Factors& factors);

/// Bytes of so many rows in a piece.
inline std::size_t rounded_factor_bytes(std::size_t rows, const TrainOptions& options) {
  const auto n = static_cast<std::size_t>(options.factors);
  return n + rows * ((n + 1) * sizeof(std::int16_t) + (options.biases ? sizeof(float) : 0));
}

/// The columns' exponents; of each row its exponent and the multiples; then, with biases, all
/// biases. Loses nothing of what round_factors() has rounded, all rows of it or some.
void put_rounded_factors(const Factors& factors, const ColumnExponents& columns,
                         PieceWriter& writer);

struct RoundedFactors {
  Factors factors;
  ColumnExponents columns;
};

/// Throws InvalidBytes where they are not finite.
RoundedFactors read_rounded_factors(PieceReader& reader, std::size_t rows,
                                    const TrainOptions& options);

}  // namespace als
