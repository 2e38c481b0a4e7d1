// The factors of a chunk's users.
#pragma once

#include <cstdint>

#include "core/chunks/chunk.h"
#include "core/pieces/factor_bytes.h"
#include "core/pieces/step.h"

namespace als {

struct ChunkUsers {
  std::uint64_t training;  ///< its key
  std::uint64_t number;    ///< of the step that made them
  ChunkId chunk;
  Factors factors;

  Bytes bytes() const;
  static ChunkUsers read(ByteView bytes);

  /// Throws InvalidBytes unless they belong to the chunk, the training and the step.
  void check(const ChunkFacts& facts, const PartsTraining& its_training,
             std::uint64_t its_number) const;
};

}  // namespace als
