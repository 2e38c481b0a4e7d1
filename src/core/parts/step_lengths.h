// How far items have gone along directions that parts have, too.
#pragma once

#include <cstddef>

#include <vector>

#include "core/linalg/factor_matrix.h"
#include "core/pieces/pieces.h"

namespace als {

/// Of an item, in a half-step: along its direction of Step::kProduct, and along that of
/// Step::kCurvature.
struct StepLengths {
  float product = 0;
  float curvature = 0;
};

/// Throws InvalidBytes where they are not finite.
std::vector<StepLengths> read_lengths(PieceReader& reader, std::size_t n);

/// x_row of x += length times row of the directions. One function for slices and for parts: they
/// are to have the same bits.
void step_along(const Factors& directions, std::size_t row, float length, Factors& x,
                std::size_t x_row);

}  // namespace als
