// Weighs a chunk once.
#include "core/parts/weighed_chunk.h"

#include "core/pieces/pieces.h"

namespace als {

const HalfStep& WeighedChunk::half_step(const PartsTraining& training, ThreadTeam& team) {
  expect(facts.items == training.items, "a chunk of another training");
  if (!half_step_ || !(training_ == training)) {
    half_step_.emplace(rows, training.items, training.options, training.mean, team);
    training_ = training;
  }
  return *half_step_;
}

std::size_t WeighedChunk::bytes_of(const ChunkByUser& chunk) {
  // Of each user a weight, one or two ridges, and a number in the order of the work.
  return chunk.bytes() + chunk.facts.users * (3 * sizeof(float) + sizeof(std::size_t));
}

}  // namespace als
