// Normal equations with too many terms for one block of work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/base/thread_team.h"
#include "core/linalg/normal_equations.h"

namespace als {

/// Sums normal equations in segments: a job with many terms is cut into segments of fixed size,
/// which all threads sum on their own, and the partial sums are added up from the first to the
/// last. So one job keeps all threads busy, no block of work is long, and the bits do not depend on
/// the number of threads. The memory depends on the number of threads only.
class SegmentedSum {
 public:
  SegmentedSum(std::size_t unknowns, ThreadTeam& team);

  /// Adds the terms of a job in [begin, end) to `sum`, which is clear.
  using AddTerms = std::function<void(std::size_t job, std::uint64_t begin, std::uint64_t end,
                                      int thread, NormalEquations& sum)>;
  /// Called once for each job with all its terms.
  using Finish = std::function<void(std::size_t job, const NormalEquations& sum, int thread)>;

  /// job_sizes[job]: number of terms. Jobs without terms are never finished.
  void run(const std::vector<std::uint64_t>& job_sizes, std::uint64_t segment_size,
           const AddTerms& add_terms, const Finish& finish);

  static std::size_t memory(std::size_t unknowns, int threads);

 private:
  struct Segment {
    std::size_t job;
    std::uint64_t begin;
    std::uint64_t end;
    bool last;  // of its job
  };

  void run_batch(const std::vector<Segment>& batch, const AddTerms& add_terms,
                 const Finish& finish);

  ThreadTeam& team_;
  std::vector<NormalEquations> partial_sums_;  // one for each segment of a batch
  NormalEquations carry_;                      // of the job that the last batch left unfinished
  bool carrying_ = false;
};

}  // namespace als
