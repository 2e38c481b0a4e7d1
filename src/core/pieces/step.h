// What is told to all machines about a training and about each of its steps.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/pieces/bytes.h"
#include "core/train/options.h"

namespace als {

/// So many items at most: of their totals, 48 bytes each, a part makes one value.
inline constexpr std::uint32_t kMaxPartsItems = 21'000'000;

/// The same in all steps of a training. Each piece of bytes but chunks carries it.
struct PartsTraining {
  TrainOptions options;           ///< not nonnegative, and not Solver::kDirect
  double mean = 0;                ///< mu; 0 without biases
  std::uint32_t items = 0;        ///< 1 to kMaxPartsItems
  std::uint32_t slice_items = 0;  ///< slice s has the items s * slice_items and up, so many at most
  std::uint64_t users = 0;        ///< in all parts
  std::uint64_t ratings = 0;      ///< in all parts
  /// Implicit feedback: the loss where all factors are zero; else 0. See PartTotals::zero_loss().
  double zero_loss = 0;
  /// Implicit feedback: what the ratings kept out of users with greater hashes come to is not
  /// looked at, see judging_hash().
  std::uint64_t greatest_judged_hash = ~std::uint64_t{0};

  std::uint32_t slices() const { return (items - 1) / slice_items + 1; }
  std::uint32_t slice_size(std::uint32_t slice) const;

  Bytes bytes() const;
  static PartsTraining read(ByteView bytes);

  /// The same in everything, so that factors of the one have the shape that the other's have.
  bool operator==(const PartsTraining& other) const { return bytes() == other.bytes(); }
};

/// What a step does. A half-step of the users is kUsers or kFinish. One of the items is kResidual,
/// then, as long as rows are active, kProduct for all steps of conjugate gradients but the last and
/// kCurvature for that, then, if there are rows in doubt, kCompare.
enum class Step : std::uint8_t {
  kUsers,      ///< a few conjugate gradients in each user
  kFinish,     ///< each user exactly
  kResidual,   ///< of each item, where it is
  kProduct,    ///< of the items' directions, and a step along them, where another is to come
  kCurvature,  ///< along the items' directions, which is enough for the last step
  kCompare     ///< items whose rounding errors may matter: which of two places is better
};

/// The kind of the step that PartsRunner got.
Step step_of(ByteView step);

}  // namespace als
