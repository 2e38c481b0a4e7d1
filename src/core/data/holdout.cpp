// Which ratings of a row are kept out: those of the least hashes.
#include "core/data/holdout.h"

#include <algorithm>
#include <numeric>

#include "core/base/splitmix.h"

namespace als {
namespace {

/// Marks the entries of a row to be kept out.
void mark_row(const CompressedRows& by_user, const HoldoutRule& rule, std::size_t row,
              std::vector<std::uint64_t>& order, unsigned char* marks) {
  const std::uint64_t begin = by_user.offsets[row];
  const std::size_t size = by_user.row_size(row);
  const std::uint64_t user = splitmix(splitmix(rule.seed + kSplitmixStep) ^ rule.user_keys[row]);
  const double wanted = rule.share * static_cast<double>(size) + unit_of(splitmix(user + 1));
  std::fill_n(marks + begin, size, 0);
  if (size < 2 || !(wanted >= 1)) return;
  const std::size_t count = std::min(static_cast<std::size_t>(wanted), size - 1);

  const auto hash = [&](std::uint64_t e) {
    return splitmix(user ^ rule.item_keys[by_user.columns[e]]);
  };
  order.resize(size);
  std::iota(order.begin(), order.end(), begin);
  // By the entry's place where hashes are equal, which depends on the ids too.
  std::nth_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(count), order.end(),
                   [&](std::uint64_t a, std::uint64_t b) {
                     const std::uint64_t hash_a = hash(a);
                     const std::uint64_t hash_b = hash(b);
                     return hash_a < hash_b || (hash_a == hash_b && a < b);
                   });
  for (std::size_t n = 0; n < count; ++n) marks[order[n]] = 1;
}

}  // namespace

CompressedRows hold_out(CompressedRows& by_user, const HoldoutRule& rule, ThreadTeam& team) {
  const std::vector<std::size_t> runs = split_rows(by_user, kRowCost, kEntriesInBlock);
  UninitializedVector<unsigned char> marks(by_user.columns.size());
  team.for_each_block(runs.size() - 1, 1, [&](std::size_t run, std::size_t, int) {
    std::vector<std::uint64_t> order;
    for (std::size_t row = runs[run]; row < runs[run + 1]; ++row) {
      mark_row(by_user, rule, row, order, marks.data());
    }
  });

  // What stays moves together, in order, as its places hold what has been scattered with already.
  CompressedRows held;
  held.offsets.reserve(by_user.rows() + 1);
  held.offsets.push_back(0);
  std::uint64_t to = 0;
  for (std::size_t run = 0; run + 1 < runs.size(); ++run) {
    team.for_each_block(1, 1, [&](std::size_t, std::size_t, int) {
      for (std::size_t row = runs[run]; row < runs[run + 1]; ++row) {
        const std::uint64_t begin = by_user.offsets[row];
        by_user.offsets[row] = to;
        for (std::uint64_t e = begin; e < by_user.offsets[row + 1]; ++e) {
          if (marks[e] != 0) {
            held.columns.push_back(by_user.columns[e]);
            held.values.push_back(by_user.values[e]);
          } else {
            by_user.columns[to] = by_user.columns[e];
            if (!by_user.weights.empty()) by_user.weights[to] = by_user.weights[e];
            by_user.values[to++] = by_user.values[e];
          }
        }
        held.offsets.push_back(held.columns.size());
      }
    });
  }
  by_user.offsets.back() = to;
  by_user.columns.resize(to);
  by_user.values.resize(to);
  if (!by_user.weights.empty()) by_user.weights.resize(to);
  return held;
}

}  // namespace als
