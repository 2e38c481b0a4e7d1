// A step as PartsTrainer tells it to the machines.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/aligned_vector.h"
#include "core/pieces/pieces.h"
#include "core/pieces/step.h"

namespace als {

/// Vectors are rows: y A for y in the basis that A leads from. Matrices are in single precision,
/// row by row, and empty where they are not needed.
struct StepHead {
  PartsTraining training;
  Step step;
  std::uint64_t number;  ///< of this step; what it makes is marked with it
  std::uint64_t block;   ///< of the step whose block this one takes
  std::uint64_t users;   ///< of the step that made the users that this one starts from; 0: none yet
  double loss_left;      ///< the loss as a part of that where all factors are zero, or infinite
  float over_relaxation;  ///< of the half-step, see OverRelaxation

  /// Into the basis of the step: the items' factors, and the users'.
  std::vector<float> items_turn;
  std::vector<float> users_turn;

  std::vector<float> eigenvalues;   ///< see GramBasis
  std::vector<float> mean_squares;  ///< see GramBasis
  std::vector<float> gram;          ///< kFinish, implicit feedback: that of the items

  std::size_t factors() const { return static_cast<std::size_t>(training.options.factors); }

  Bytes bytes() const;
  static StepHead read(ByteView bytes);
};

/// A matrix as Kernels::transform takes it, or its transpose.
AlignedVector<float> transform_of(const std::vector<float>& matrix, std::size_t n);
AlignedVector<float> transposed_transform_of(const std::vector<float>& matrix, std::size_t n);

/// PartsTraining among other numbers of a piece.
void put_training(const PartsTraining& training, PieceWriter& writer);
PartsTraining read_training(PieceReader& reader);

/// By which pieces of different trainings are told apart where nobody means harm. Two trainings of
/// the same key can be made: nothing may depend on it that would read or write beyond factors.
std::uint64_t key_of(const PartsTraining& training);

}  // namespace als
