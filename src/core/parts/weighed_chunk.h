// A chunk's users, and what all their half-steps have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "core/base/thread_team.h"
#include "core/chunks/chunk_rows.h"
#include "core/pieces/step.h"
#include "core/train/half_step.h"

namespace als {

/// A HalfStep goes through all ratings once to weigh them, which takes as long as a tenth of the
/// rest of it: so the chunk keeps it.
class WeighedChunk : public ChunkByUser {
 public:
  explicit WeighedChunk(ChunkByUser&& chunk) : ChunkByUser(std::move(chunk)) {}
  WeighedChunk(const WeighedChunk&) = delete;

  /// That of this training; made where the last one was of another. Throws InvalidBytes where the
  /// chunk is of another training.
  const HalfStep& half_step(const PartsTraining& training, ThreadTeam& team);

  /// With a half-step.
  static std::size_t bytes_of(const ChunkByUser& chunk);
  std::size_t bytes() const { return bytes_of(*this); }

 private:
  PartsTraining training_;
  std::optional<HalfStep> half_step_;
};

}  // namespace als
