// What a training takes at its peak, counted without running it.
#include <algorithm>

#include "core/data/row_sorter.h"
#include "core/linalg/double_gram.h"
#include "core/linalg/eigenbasis.h"
#include "core/train/trainer.h"

namespace als {

std::size_t training_memory(std::size_t ratings, std::size_t users, std::size_t items,
                            std::size_t id_bytes, const TrainOptions& options, int threads,
                            bool weighted) {
  const auto team = static_cast<std::size_t>(std::max(threads, 1));
  const std::size_t blocks =
      (ratings + RatingBuffer::kBlockEntries - 1) / RatingBuffer::kBlockEntries;
  const std::size_t weight = weighted ? sizeof(float) : 0;
  const std::size_t buffer =
      blocks * RatingBuffer::kBlockEntries * (sizeof(RatingBuffer::Entry) + weight);
  const std::size_t one_side = ratings * (sizeof(std::uint32_t) + sizeof(float) + weight);
  const std::size_t offsets = (users + items) * sizeof(std::uint64_t);
  const std::size_t ids = id_bytes + (users + items) * 2 * sizeof(std::uint32_t);

  // What is there at the same time: see Ratings.
  // Weights are sorted beside the entries, in rows of their own.
  const std::size_t by_user =
      buffer + (ChunkPool::can_release() ? 0 : one_side) + (weighted ? 2 * one_side : 0);
  const std::size_t by_item = 2 * one_side + ratings * sizeof(RowSorter::Entry) / Ratings::kParts -
                              one_side / Ratings::kParts;
  const std::size_t sorting = std::max(by_user, by_item) + offsets +
                              RowSorter::memory(ratings, std::max(users, items), threads);

  const auto factors = static_cast<std::size_t>(options.factors);
  const std::size_t unknowns = options.unknowns();
  const std::size_t row_bytes =
      (blocks_of(factors) * kBlock + (options.biases ? 1 : 0)) * sizeof(float);
  const std::size_t equations = NormalEquations(unknowns).size() * sizeof(float);
  const std::size_t worker =
      TermAccumulator::memory(unknowns) + ExactSolver::memory(options) +
      DualSolver::memory(factors, options.biases) + equations +
      cg_batch_rows(options) * ConjugateGradients::memory(blocks_of(unknowns) * kBlock) +
      sizeof(PassChunk) +
      std::max(cg_tile_sizes(options, users), cg_tile_sizes(options, items)) *
          sizeof(std::uint16_t);
  const std::size_t training =
      2 * one_side + offsets + (users + items) * row_bytes + items * sizeof(std::uint64_t) +
      (users + items) * (options.biases ? 3 : 2) * sizeof(float) + team * worker +
      SegmentedSum::memory(unknowns, threads) + equations + eigenbasis_memory(factors) +
      (options.feedback == Feedback::kImplicit ? DoubleGram::memory(factors) : 0);

  return ids + std::max(sorting, training);
}

}  // namespace als
