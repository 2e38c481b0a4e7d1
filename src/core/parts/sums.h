// Sums over a part's ratings, for the items of a slice.
#pragma once

#include <cstdint>
#include <vector>

#include "core/linalg/double_gram.h"
#include "core/pieces/rounded_factors.h"
#include "core/pieces/step.h"

namespace als {

/// What a block's vectors are, and so what is summed.
enum class BlockKind : std::uint8_t {
  kFactors,         ///< of all items: residuals and losses
  kDirections,      ///< of some items: products
  kLastDirections,  ///< of some items: curvatures
  kCandidates       ///< two of each of some items: losses at both
};

/// What the block of a step has of the items.
constexpr BlockKind kind_of(Step step) {
  return step == Step::kProduct     ? BlockKind::kDirections
         : step == Step::kCurvature ? BlockKind::kLastDirections
         : step == Step::kCompare   ? BlockKind::kCandidates
                                    : BlockKind::kFactors;
}

constexpr bool are_directions(BlockKind kind) {
  return kind == BlockKind::kDirections || kind == BlockKind::kLastDirections;
}

/// Of which kinds there is a sum of vectors, or of losses.
constexpr bool sums_vectors(BlockKind kind) {
  return kind == BlockKind::kFactors || kind == BlockKind::kDirections;
}
constexpr bool sums_losses(BlockKind kind) {
  return kind == BlockKind::kFactors || kind == BlockKind::kCandidates;
}

/// Of some items of one slice, row by row in the order in which its block has them.
struct SliceSums {
  std::uint64_t training;  ///< its key
  std::uint64_t block;     ///< the step that its block was made for
  BlockKind kind;
  std::uint32_t slice;
  std::uint32_t first_part;
  std::uint32_t last_part;
  std::uint64_t ratings;  ///< in the parts

  std::uint32_t rows;
  bool biases;

  bool is_of_one_part() const { return first_part == last_part; }

  /// kFactors, kDirections: residuals or products. Of one part they are rounded.
  Factors vectors;
  ColumnExponents columns;            ///< of one part
  std::vector<double> losses;         ///< kFactors, kCandidates: without the parts of Y^T Y
  std::vector<double> second_losses;  ///< at zero; or at the second candidate
  std::vector<double> curvatures;     ///< kLastDirections: p^T A p, without the diagonal's part
  DoubleGram gram;                    ///< kCandidates, implicit feedback: of the users

  Bytes bytes() const;
  static SliceSums read(ByteView& pieces);

  /// Those of the next part.
  void add(const SliceSums& other);
};

}  // namespace als
