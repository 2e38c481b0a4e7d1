// Sorting entries into compressed rows.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/ratings.h"
#include "core/thread_team.h"

namespace als {

/// A stripe of a counting sort has a counter for each row. Where rows are short there are fewer
/// stripes, so that all the counters stay small beside the entries.
inline std::size_t counting_stripes(std::size_t entries, std::size_t rows, int threads) {
  return std::clamp<std::size_t>(entries / (4 * std::max<std::size_t>(rows, 1)), 1,
                                 4 * static_cast<std::size_t>(threads));
}

/// A stable counting sort of `entries` entries by their row, so that the result does not depend on
/// the number of threads.
///
/// source.for_each(begin, end, visit) calls visit(row, column, value) for entries [begin, end) in
/// their order. The entries are cut into stripes, a few for each thread; each stripe counts its
/// rows, the counts give each stripe its place within every row, and each stripe puts its entries
/// there. The stripes advance in slices, between which the loop can be interrupted.
template <class Source>
CompressedRows counting_sort(const Source& source, std::size_t entries, std::size_t rows,
                             ThreadTeam& team) {
  constexpr std::size_t kSlice = std::size_t{1} << 19;
  constexpr std::size_t kRowGrain = std::size_t{1} << 16;

  CompressedRows sorted;
  sorted.offsets.assign(rows + 1, 0);
  sorted.columns.resize(entries);
  sorted.values.resize(entries);
  if (entries == 0) return sorted;

  const std::size_t stripes = counting_stripes(entries, rows, team.threads());
  const auto stripe_begin = [&](std::size_t s) { return entries / stripes * s; };
  const auto stripe_end = [&](std::size_t s) {
    return s + 1 == stripes ? entries : stripe_begin(s + 1);
  };
  UninitializedVector<std::uint64_t> places(stripes * rows);

  const auto for_each_slice = [&](const auto& visit_slice) {
    for (std::size_t done = 0; done < stripe_end(stripes - 1) - stripe_begin(stripes - 1);
         done += kSlice) {
      team.for_each_block(stripes, 1, [&](std::size_t s, std::size_t, int) {
        const std::size_t begin = std::min(stripe_begin(s) + done, stripe_end(s));
        const std::size_t end = std::min(begin + kSlice, stripe_end(s));
        visit_slice(begin, end, places.data() + s * rows);
      });
    }
  };

  team.for_each_block(places.size(), kRowGrain, [&](std::size_t begin, std::size_t end, int) {
    std::fill(places.begin() + static_cast<std::ptrdiff_t>(begin),
              places.begin() + static_cast<std::ptrdiff_t>(end), 0);
  });
  for_each_slice([&](std::size_t begin, std::size_t end, std::uint64_t* counts) {
    source.for_each(begin, end, [&](std::uint32_t row, std::uint32_t, float) { ++counts[row]; });
  });

  for (std::size_t row = 0; row < rows; ++row) {
    std::uint64_t place = sorted.offsets[row];
    for (std::size_t s = 0; s < stripes; ++s) {
      const std::uint64_t count = places[s * rows + row];
      places[s * rows + row] = place;
      place += count;
    }
    sorted.offsets[row + 1] = place;
  }

  for_each_slice([&](std::size_t begin, std::size_t end, std::uint64_t* next) {
    source.for_each(begin, end, [&](std::uint32_t row, std::uint32_t column, float value) {
      const std::uint64_t place = next[row]++;
      sorted.columns[place] = column;
      sorted.values[place] = value;
    });
  });
  return sorted;
}

/// The entries of a matrix with rows and columns changed.
struct TransposedEntries {
  const CompressedRows& matrix;

  template <class Visit>
  void for_each(std::size_t begin, std::size_t end, const Visit& visit) const {
    if (begin == end) return;
    const auto& offsets = matrix.offsets;
    auto row = static_cast<std::size_t>(std::upper_bound(offsets.begin(), offsets.end(), begin) -
                                        offsets.begin()) -
               1;
    for (std::size_t e = begin; e < end; ++row) {
      const std::size_t row_end = std::min<std::size_t>(end, offsets[row + 1]);
      for (; e < row_end; ++e) {
        visit(matrix.columns[e], static_cast<std::uint32_t>(row), matrix.values[e]);
      }
    }
  }
};

}  // namespace als
