// Weighs a chunk once.
#include "core/parts/weighed_chunk.h"

#include "core/pieces/step_head.h"

namespace als {

const HalfStep& WeighedChunk::half_step(const PartsTraining& training, ThreadTeam& team) {
  expect(facts.items == training.items, "a chunk of another training");
  const std::uint64_t key = key_of(training);
  if (!half_step_ || key_ != key) {
    half_step_.emplace(rows, training.items, training.options, training.mean, team);
    key_ = key;
  }
  return *half_step_;
}

std::size_t WeighedChunk::bytes_of(const ChunkByUser& chunk) {
  // Of each user a weight, one or two ridges, and a number in the order of the work.
  return chunk.bytes() + chunk.facts.users * (3 * sizeof(float) + sizeof(std::size_t));
}

}  // namespace als
