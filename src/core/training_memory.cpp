#include <algorithm>

#include "core/counting_sort.h"
#include "core/trainer.h"

namespace als {

std::size_t training_memory(std::size_t ratings, std::size_t users, std::size_t items,
                            std::size_t id_bytes, const TrainOptions& options, int threads) {
  const auto team = static_cast<std::size_t>(std::max(threads, 1));
  const std::size_t blocks =
      (ratings + RatingBuffer::kBlockEntries - 1) / RatingBuffer::kBlockEntries;
  const std::size_t buffer = blocks * RatingBuffer::kBlockEntries * sizeof(RatingBuffer::Entry);
  const std::size_t one_side = ratings * (sizeof(std::uint32_t) + sizeof(float));
  const std::size_t offsets = (users + items) * sizeof(std::uint64_t);
  const std::size_t ranks = (users + items) * sizeof(std::uint32_t);

  // What is there at the same time: see Ratings.
  const std::size_t rows = std::max(users, items);
  const std::size_t counters =
      counting_stripes(ratings, rows, static_cast<int>(team)) * rows * sizeof(std::uint64_t);
  const std::size_t sorting = std::max(buffer + one_side, 2 * one_side) + offsets + counters;

  const auto factors = static_cast<std::size_t>(options.factors);
  const std::size_t unknowns = factors + (options.biases ? 1 : 0);
  const std::size_t row_bytes =
      (blocks_of(factors) * kBlock + (options.biases ? 1 : 0)) * sizeof(float);
  const std::size_t equations = NormalEquations(unknowns).size() * sizeof(float);
  const std::size_t worker =
      TermAccumulator::memory(unknowns) + RowSolver::memory(unknowns) + equations +
      ConjugateGradients::memory(unknowns) + sizeof(PassChunk) +
      (options.nonnegative ? NonnegativeSolver::memory(unknowns) : 0);
  const std::size_t training = 2 * one_side + offsets + (users + items) * row_bytes +
                               team * worker + SegmentedSum::memory(unknowns, threads) + equations;

  return id_bytes + ranks + std::max(sorting, training);
}

}  // namespace als
