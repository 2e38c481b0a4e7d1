// Sums a batch of segments on all threads, then adds them up from the first to the last.
#include "core/linalg/segmented_sum.h"

#include <algorithm>
#include <utility>

namespace als {
namespace {

std::size_t batch_size(int threads) { return 4 * static_cast<std::size_t>(threads); }

}  // namespace

SegmentedSum::SegmentedSum(std::size_t unknowns, ThreadTeam& team)
    : team_(team),
      partial_sums_(batch_size(team.threads()), NormalEquations(unknowns)),
      carry_(unknowns) {}

void SegmentedSum::run(const std::vector<std::uint64_t>& job_sizes, std::uint64_t segment_size,
                       const AddTerms& add_terms, const Finish& finish) {
  carrying_ = false;
  std::vector<Segment> batch;
  for (std::size_t job = 0; job < job_sizes.size(); ++job) {
    for (std::uint64_t begin = 0; begin < job_sizes[job]; begin += segment_size) {
      const std::uint64_t end = std::min(begin + segment_size, job_sizes[job]);
      batch.push_back({job, begin, end, end == job_sizes[job]});
      if (batch.size() == partial_sums_.size()) {
        run_batch(batch, add_terms, finish);
        batch.clear();
      }
    }
  }
  run_batch(batch, add_terms, finish);
}

void SegmentedSum::run_batch(const std::vector<Segment>& batch, const AddTerms& add_terms,
                             const Finish& finish) {
  if (batch.empty()) return;
  team_.for_each_block(batch.size(), 1, [&](std::size_t s, std::size_t, int thread) {
    partial_sums_[s].clear();
    add_terms(batch[s].job, batch[s].begin, batch[s].end, thread, partial_sums_[s]);
  });

  // The segments of a job stand side by side. Only the first job can have been carried over.
  std::vector<std::size_t> firsts;
  for (std::size_t s = 0; s < batch.size(); ++s) {
    if (s == 0 || batch[s].job != batch[s - 1].job) firsts.push_back(s);
  }
  firsts.push_back(batch.size());
  team_.for_each_block(firsts.size() - 1, 1, [&](std::size_t f, std::size_t, int thread) {
    std::size_t s = firsts[f];
    NormalEquations& sum = f == 0 && carrying_ ? carry_ : partial_sums_[s++];
    for (; s < firsts[f + 1]; ++s) sum.add(partial_sums_[s]);
    if (batch[firsts[f + 1] - 1].last) finish(batch[firsts[f]].job, sum, thread);
  });

  const bool only_job_carried = carrying_ && firsts.size() == 2;
  carrying_ = !batch.back().last;
  if (carrying_ && !only_job_carried) std::swap(carry_, partial_sums_[firsts[firsts.size() - 2]]);
}

std::size_t SegmentedSum::memory(std::size_t unknowns, int threads) {
  return (batch_size(threads) + 1) * NormalEquations(unknowns).size() * sizeof(float);
}

}  // namespace als
