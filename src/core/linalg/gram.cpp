// The Gram matrix as a sum in segments.
#include "core/linalg/gram.h"

#include <algorithm>
#include <vector>

namespace als {

std::uint64_t gram_segment_size(std::size_t unknowns) {
  return std::clamp<std::uint64_t>((std::uint64_t{1} << 26) / (unknowns * unknowns), 256, 4096);
}

void sum_gram(const FactorView& rows, const std::function<float(std::uint64_t row)>& weight,
              const std::function<TermAccumulator&(int thread)>& terms, SegmentedSum& segmented_sum,
              NormalEquations& gram) {
  segmented_sum.run(
      {rows.rows}, gram_segment_size(gram.unknowns()),
      [&](std::size_t, std::uint64_t begin, std::uint64_t end, int thread, NormalEquations& sum) {
        TermAccumulator& own = terms(thread);
        for (std::uint64_t row = begin; row < end; ++row) {
          own.add(rows.row(row), weight(row), 0.0F, sum);
        }
        own.flush(sum);
      },
      [&](std::size_t, const NormalEquations& sum, int) { gram.add(sum); });
}

NormalEquations gram_of(const FactorView& rows, ThreadTeam& team) {
  NormalEquations gram(rows.cols);
  SegmentedSum segmented_sum(rows.cols, team);
  std::vector<TermAccumulator> terms(static_cast<std::size_t>(team.threads()),
                                     TermAccumulator(rows.cols, false));
  sum_gram(
      rows, [](std::uint64_t) { return 1.0F; },
      [&](int thread) -> TermAccumulator& { return terms[static_cast<std::size_t>(thread)]; },
      segmented_sum, gram);
  return gram;
}

}  // namespace als
