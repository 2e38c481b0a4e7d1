// Counts each user's ratings, then puts them in their rows and sorts those.
#include "core/data/group_by_user.h"

#include <algorithm>
#include <numeric>
#include <tuple>
#include <utility>

namespace als {
namespace {

/// Calls visit(row, column, value, weight) for the entries that are not left out, on the calling
/// thread, which can be interrupted between blocks.
template <class Visit>
void for_each_entry(const RatingBuffer& buffer, const std::vector<std::uint32_t>& user_number,
                    const std::vector<std::uint32_t>& item_number, ThreadTeam& team,
                    const Visit& visit) {
  for (std::size_t b = 0; b < buffer.blocks(); ++b) {
    team.for_each_block(1, 1, [&](std::size_t, std::size_t, int) {
      const RatingBuffer::Entry* entries = buffer.block(b);
      for (std::size_t e = 0; e < buffer.block_size(b); ++e) {
        const std::uint32_t row = user_number[entries[e].user];
        const std::uint32_t column = item_number[entries[e].item];
        if (row != kLeftOut && column != kLeftOut)
          visit(row, column, entries[e].value, buffer.weight(b, e));
      }
    });
  }
}

/// A column, its value and that one's weight.
using Cell = std::tuple<std::uint32_t, float, float>;

void sort_row(CompressedRows& rows, std::size_t row, std::vector<Cell>& scratch) {
  const std::uint64_t begin = rows.offsets[row];
  const bool weighted = !rows.weights.empty();
  scratch.clear();
  for (std::uint64_t e = begin; e < rows.offsets[row + 1]; ++e) {
    scratch.emplace_back(rows.columns[e], rows.values[e], rows.weight(e));
  }
  std::sort(scratch.begin(), scratch.end());
  for (std::size_t e = 0; e < scratch.size(); ++e) {
    float weight;
    std::tie(rows.columns[begin + e], rows.values[begin + e], weight) = scratch[e];
    if (weighted) rows.weights[begin + e] = weight;
  }
}

}  // namespace

CompressedRows group_by_user(RatingBuffer&& buffer, const std::vector<std::uint32_t>& user_number,
                             const std::vector<std::uint32_t>& item_number, std::size_t users,
                             ThreadTeam& team) {
  CompressedRows rows;
  rows.offsets.assign(users + 1, 0);
  for_each_entry(buffer, user_number, item_number, team,
                 [&](std::uint32_t row, std::uint32_t, float, float) { ++rows.offsets[row + 1]; });
  std::partial_sum(rows.offsets.begin(), rows.offsets.end(), rows.offsets.begin());
  rows.columns.resize(rows.offsets.back());
  rows.values.resize(rows.offsets.back());
  if (buffer.has_weights()) rows.weights.resize(rows.offsets.back());
  std::vector<std::uint64_t> places(rows.offsets.begin(), rows.offsets.end() - 1);
  for_each_entry(buffer, user_number, item_number, team,
                 [&](std::uint32_t row, std::uint32_t column, float value, float weight) {
                   rows.columns[places[row]] = column;
                   if (!rows.weights.empty()) rows.weights[places[row]] = weight;
                   rows.values[places[row]++] = value;
                 });
  buffer.take_blocks();

  const std::vector<std::size_t> runs = split_rows(rows, kRowCost, kEntriesInBlock);
  team.for_each_block(runs.size() - 1, 1, [&](std::size_t run, std::size_t, int) {
    std::vector<Cell> scratch;
    for (std::size_t row = runs[run]; row < runs[run + 1]; ++row) sort_row(rows, row, scratch);
  });
  return rows;
}

}  // namespace als
