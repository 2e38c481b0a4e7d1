// Merges runs of equal (row, column) in sorted rows, in place.
#include "core/data/duplicates.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

#include "core/base/uninitialized_vector.h"

namespace als {
namespace {

constexpr std::size_t kDuplicatesGrain = std::size_t{1}
                                         << 18;  // entries a block: a millisecond or so

/// The steps of merge_duplicates().
class DuplicateMerger {
 public:
  DuplicateMerger(CompressedRows& matrix, OnDuplicate on_duplicate, ThreadTeam& team)
      : matrix_(matrix),
        on_duplicate_(on_duplicate),
        team_(team),
        runs_(split_rows(matrix, kRowCost, kDuplicatesGrain)),
        first_duplicate_(runs_.size(), kNone) {}

  /// Returns the number of entries merged away.
  std::size_t merge() {
    find();
    std::size_t run = 0;
    while (run < runs_.size() && first_duplicate_[run] == kNone) ++run;
    if (run == runs_.size()) return 0;
    if (on_duplicate_ == OnDuplicate::kError) {
      const std::uint64_t entry = first_duplicate_[run];
      throw DuplicateRating(row_of(entry), matrix_.columns[entry]);
    }
    merge_within_rows();
    return close_gaps();
  }

 private:
  static constexpr std::uint64_t kNone = UINT64_MAX;

  std::uint32_t row_of(std::uint64_t entry) const {
    const auto& offsets = matrix_.offsets;
    const auto after = std::upper_bound(offsets.begin(), offsets.end(), entry);
    return static_cast<std::uint32_t>(after - offsets.begin() - 1);
  }

  void for_each_run(const std::function<void(std::size_t run)>& visit) {
    team_.for_each_block(runs_.size() - 1, 1,
                         [&](std::size_t run, std::size_t, int) { visit(run); });
  }

  void find() {
    for_each_run([&](std::size_t run) {
      for (std::size_t row = runs_[run]; row < runs_[run + 1]; ++row) {
        for (std::uint64_t e = matrix_.offsets[row] + 1; e < matrix_.offsets[row + 1]; ++e) {
          if (matrix_.columns[e] == matrix_.columns[e - 1]) {
            first_duplicate_[run] = e;
            return;
          }
        }
      }
    });
  }

  float merged(float* values, std::size_t count) const {
    if (count == 1 || on_duplicate_ == OnDuplicate::kLast) return values[count - 1];
    std::sort(values, values + count);
    const double sum = std::accumulate(values, values + count, 0.0);
    const double count_or_one = on_duplicate_ == OnDuplicate::kAverage ? count : 1;
    const auto value = static_cast<float>(sum / count_or_one);
    if (!std::isfinite(value))
      throw std::range_error("the sum of duplicate ratings is out of range");
    return value;
  }

  /// The same of values that have weights: the average is a weighted one. What is left has their
  /// mean weight, so that weights of 1 change nothing.
  std::pair<float, float> merged_with_weight(std::uint64_t begin, std::uint64_t end) const {
    if (end - begin == 1 || on_duplicate_ == OnDuplicate::kLast)
      return {matrix_.values[end - 1], matrix_.weights[end - 1]};
    std::vector<std::pair<float, float>> entries;
    for (std::uint64_t e = begin; e < end; ++e)
      entries.emplace_back(matrix_.values[e], matrix_.weights[e]);
    std::sort(entries.begin(), entries.end());
    double sum = 0;
    double weights = 0;
    for (const auto& [value, weight] : entries) {
      sum += on_duplicate_ == OnDuplicate::kAverage ? static_cast<double>(weight) * value : value;
      weights += weight;
    }
    const auto value =
        static_cast<float>(on_duplicate_ == OnDuplicate::kAverage ? sum / weights : sum);
    if (!std::isfinite(value))
      throw std::range_error("the sum of duplicate ratings is out of range");
    return {value, static_cast<float>(weights / static_cast<double>(end - begin))};
  }

  /// Moves what is left of each row to the row's beginning.
  void merge_within_rows() {
    row_sizes_.resize(matrix_.rows());
    for_each_run([&](std::size_t run) {
      for (std::size_t row = runs_[run]; row < runs_[run + 1]; ++row) {
        std::uint64_t to = matrix_.offsets[row];
        const std::uint64_t end = matrix_.offsets[row + 1];
        for (std::uint64_t e = to; e < end;) {
          std::uint64_t same = e + 1;
          while (same < end && matrix_.columns[same] == matrix_.columns[e]) ++same;
          matrix_.columns[to] = matrix_.columns[e];
          if (matrix_.weights.empty())
            matrix_.values[to] = merged(matrix_.values.data() + e, same - e);
          else
            std::tie(matrix_.values[to], matrix_.weights[to]) = merged_with_weight(e, same);
          ++to;
          e = same;
        }
        row_sizes_[row] = to - matrix_.offsets[row];
      }
    });
  }

  /// Moves the rows together, in order, as the places they move to hold the rows before them.
  std::size_t close_gaps() {
    const std::size_t before = matrix_.columns.size();
    std::uint64_t to = 0;
    for (std::size_t run = 0; run + 1 < runs_.size(); ++run) {
      team_.for_each_block(1, 1, [&](std::size_t, std::size_t, int) {
        for (std::size_t row = runs_[run]; row < runs_[run + 1]; ++row) {
          const std::uint64_t from = matrix_.offsets[row];
          std::copy_n(matrix_.columns.data() + from, row_sizes_[row], matrix_.columns.data() + to);
          std::copy_n(matrix_.values.data() + from, row_sizes_[row], matrix_.values.data() + to);
          if (!matrix_.weights.empty())
            std::copy_n(matrix_.weights.data() + from, row_sizes_[row],
                        matrix_.weights.data() + to);
          matrix_.offsets[row] = to;
          to += row_sizes_[row];
        }
      });
    }
    matrix_.offsets.back() = to;
    matrix_.columns.resize(to);
    matrix_.values.resize(to);
    if (!matrix_.weights.empty()) matrix_.weights.resize(to);
    return before - to;
  }

  CompressedRows& matrix_;
  const OnDuplicate on_duplicate_;
  ThreadTeam& team_;
  const std::vector<std::size_t> runs_;
  std::vector<std::uint64_t> first_duplicate_;  // of each run
  UninitializedVector<std::uint64_t> row_sizes_;
};

}  // namespace

std::size_t merge_duplicates(CompressedRows& matrix, OnDuplicate on_duplicate, ThreadTeam& team) {
  return DuplicateMerger(matrix, on_duplicate, team).merge();
}

}  // namespace als
