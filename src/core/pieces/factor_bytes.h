// Factors in pieces.
#pragma once

#include <cstddef>

#include "core/linalg/factor_matrix.h"
#include "core/pieces/pieces.h"
#include "core/train/options.h"

namespace als {

/// Bytes of so many rows: their factors without padding and, with biases, then their biases.
inline std::size_t factor_bytes(std::size_t rows, const TrainOptions& options) {
  return rows * options.unknowns() * sizeof(float);
}

void put_factors(const Factors& factors, PieceWriter& writer);

/// The same with how many they are, of how many factors and whether they have biases.
void put_shaped_factors(const Factors& factors, PieceWriter& writer);

/// Throws std::length_error for more rows than a piece can hold: to be called before memory is
/// taken for rows of which the bytes at hand hold no factors, and so may say any number.
void check_fits(std::size_t rows, const TrainOptions& options);

/// Throws InvalidBytes where they are not finite.
Factors read_factors(PieceReader& reader, std::size_t rows, const TrainOptions& options);

/// What put_shaped_factors() has put. Throws likewise, and for a shape that no model has.
Factors read_shaped_factors(PieceReader& reader);

}  // namespace als
