// The step itself.
#include "core/parts/step_lengths.h"

#include <cmath>

namespace als {

std::vector<StepLengths> read_lengths(PieceReader& reader, std::size_t n) {
  expect(n <= reader.left() / sizeof(StepLengths), "a piece is shorter than its contents");
  std::vector<StepLengths> lengths(n);
  reader.get(lengths.data(), n);
  for (const StepLengths& length : lengths)
    expect(std::isfinite(length.product) && std::isfinite(length.curvature),
           "a piece has a number that is not finite");
  return lengths;
}

void step_along(const Factors& directions, std::size_t row, float length, Factors& x,
                std::size_t x_row) {
  // A step of 0 would make 0 of -0.
  if (length == 0) return;
  const float* direction = directions.matrix.row(row);
  float* to = x.matrix.row(x_row);
  for (std::size_t k = 0; k < x.matrix.stride(); ++k) to[k] += length * direction[k];
  if (!x.bias.empty()) x.bias[x_row] += length * directions.bias[row];
}

}  // namespace als
