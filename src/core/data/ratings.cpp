// From the buffer to compressed rows: sorts by user, merges duplicates, transposes.
#include "core/data/ratings.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "core/data/row_sorter.h"

namespace als {
namespace {

constexpr std::size_t kSumsGrain = std::size_t{1} << 18;  // entries a block: a millisecond or so
constexpr std::size_t kSlice = std::size_t{1} << 20;      // entries a slice of a stripe: some more

constexpr std::size_t kRowGrain = std::size_t{1} << 16;  // rows a block

/// Cuts n steps into a few stripes, each to be gone through in order, and these into slices between
/// which the work can be interrupted: calls visit(begin, end, stripe).
template <class Visit>
void for_each_slice(std::size_t n, std::size_t stripes, std::size_t slice, ThreadTeam& team,
                    const Visit& visit) {
  const std::size_t stripe_size = (n + stripes - 1) / stripes;
  for (std::size_t done = 0; done < stripe_size; done += slice) {
    team.for_each_block(stripes, 1, [&](std::size_t s, std::size_t, int) {
      const std::size_t stripe_end = std::min(n, (s + 1) * stripe_size);
      const std::size_t begin = std::min(stripe_end, s * stripe_size + done);
      const std::size_t end = std::min(stripe_end, begin + std::min(slice, stripe_size - done));
      if (begin < end) visit(begin, end, s);
    });
  }
}

/// How often each of `rows` rows occurs among `entries` entries. for_each(begin, end, visit) calls
/// visit(row) for the entries [begin, end).
template <class ForEach>
UninitializedVector<std::uint64_t> count_rows(std::size_t entries, std::size_t rows,
                                              ThreadTeam& team, const ForEach& for_each) {
  // A stripe has counters of its own, which are to be few beside the entries.
  const std::size_t stripes = std::clamp<std::size_t>(
      entries / (8 * std::max<std::size_t>(rows, 1)), 1, static_cast<std::size_t>(team.threads()));
  UninitializedVector<std::uint64_t> counts(stripes * rows);
  team.for_each_block(counts.size(), kRowGrain, [&](std::size_t begin, std::size_t end, int) {
    std::fill(counts.data() + begin, counts.data() + end, 0);
  });
  for_each_slice(entries, stripes, kSlice, team,
                 [&](std::size_t begin, std::size_t end, std::size_t stripe) {
                   std::uint64_t* own = counts.data() + stripe * rows;
                   for_each(begin, end, [own](std::uint32_t row) { ++own[row]; });
                 });
  team.for_each_block(rows, kRowGrain, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t s = 1; s < stripes; ++s) {
      for (std::size_t r = begin; r < end; ++r) counts[r] += counts[s * rows + r];
    }
  });
  counts.resize(rows);
  return counts;
}

/// Rows without entries yet. The row of rank[r] has room for counts[r], or without ranks row r has.
CompressedRows make_rows(const UninitializedVector<std::uint64_t>& counts,
                         const std::vector<std::uint32_t>* rank, ThreadTeam& team) {
  CompressedRows rows;
  rows.offsets.resize(counts.size() + 1);
  team.for_each_block(counts.size(), kRowGrain, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t r = begin; r < end; ++r) {
      rows.offsets[(rank == nullptr ? r : (*rank)[r]) + 1] = counts[r];
    }
  });
  for_each_slice(counts.size(), 1, kRowGrain * 16, team,
                 [&](std::size_t begin, std::size_t end, std::size_t) {
                   for (std::size_t r = begin; r < end; ++r) {
                     rows.offsets[r + 1] += rows.offsets[r];
                   }
                 });
  rows.columns.resize(rows.offsets.back());
  rows.values.resize(rows.offsets.back());
  return rows;
}

/// The entries of a buffer, which is used up, by user in canonical indexes.
CompressedRows sort_by_user(RatingBuffer&& buffer, const std::vector<std::uint32_t>& user_rank,
                            const std::vector<std::uint32_t>& item_rank, ChunkPool& pool,
                            ThreadTeam& team) {
  constexpr std::size_t kChunkEntries = RatingBuffer::kChunkEntries;
  const std::size_t entries = buffer.size();
  std::vector<RatingBuffer::Entry*> blocks;
  for (ChunkPool::Block& block : buffer.take_blocks()) {
    blocks.push_back(reinterpret_cast<RatingBuffer::Entry*>(block.get()));
    pool.adopt(std::move(block));
  }
  const auto entry = [&](std::size_t e) -> RatingBuffer::Entry& {
    return blocks[e / RatingBuffer::kBlockEntries][e % RatingBuffer::kBlockEntries];
  };

  const auto counts = count_rows(entries, user_rank.size(), team,
                                 [&](std::size_t begin, std::size_t end, const auto& visit) {
                                   for (std::size_t e = begin; e < end; ++e) visit(entry(e).user);
                                 });
  CompressedRows by_user = make_rows(counts, &user_rank, team);
  RowSorter sorter(by_user, item_rank.size(), RowSorter::Columns::kInAnyOrder, pool, team);
  for_each_slice((entries + kChunkEntries - 1) / kChunkEntries, sorter.streams(),
                 kSlice / kChunkEntries, team,
                 [&](std::size_t begin, std::size_t end, std::size_t stream) {
                   for (std::size_t c = begin; c < end; ++c) {
                     RatingBuffer::Entry* chunk = &entry(c * kChunkEntries);
                     const std::size_t size = std::min(kChunkEntries, entries - c * kChunkEntries);
                     RowSorter::Entry ranked[kChunkEntries];
                     std::transform(chunk, chunk + size, ranked, [&](const RatingBuffer::Entry& e) {
                       return RowSorter::Entry{user_rank[e.user], item_rank[e.item], e.value};
                     });
                     sorter.scatter(stream, ranked, size);
                     pool.put_back(chunk);
                   }
                 });
  sorter.sort();
  return by_user;
}

/// Calls visit(row, begin, end) for the pieces of rows that make up the entries [begin, end).
template <class Visit>
void for_each_piece(const CompressedRows& matrix, std::size_t begin, std::size_t end,
                    const Visit& visit) {
  const auto& offsets = matrix.offsets;
  auto row = static_cast<std::size_t>(std::upper_bound(offsets.begin(), offsets.end(), begin) -
                                      offsets.begin()) -
             1;
  for (; begin < end; ++row) {
    const std::size_t row_end = std::min<std::size_t>(end, offsets[row + 1]);
    if (begin < row_end) visit(row, begin, row_end);
    begin = row_end;
  }
}

/// Rows and columns changed.
CompressedRows transpose(const CompressedRows& matrix, std::size_t n_columns, ChunkPool& pool,
                         ThreadTeam& team) {
  const std::uint32_t* columns = matrix.columns.data();
  const std::size_t entries = matrix.columns.size();
  const auto counts = count_rows(entries, n_columns, team,
                                 [&](std::size_t begin, std::size_t end, const auto& visit) {
                                   std::for_each(columns + begin, columns + end, visit);
                                 });
  CompressedRows transposed = make_rows(counts, nullptr, team);
  RowSorter sorter(transposed, matrix.rows(), RowSorter::Columns::kAscending, pool, team);
  const std::vector<std::size_t> parts = sorter.parts(Ratings::kParts);
  for (std::size_t p = 0; p + 1 < parts.size(); ++p) {
    for_each_slice(entries, sorter.streams(), kSlice, team,
                   [&](std::size_t begin, std::size_t end, std::size_t stream) {
                     for_each_piece(
                         matrix, begin, end,
                         [&](std::size_t row, std::size_t from, std::size_t to) {
                           // Columns ascend, so that those of this part are side by side.
                           auto e = static_cast<std::size_t>(
                               std::lower_bound(columns + from, columns + to, parts[p]) - columns);
                           for (; e < to && columns[e] < parts[p + 1]; ++e) {
                             const RowSorter::Entry entry{
                                 columns[e], static_cast<std::uint32_t>(row), matrix.values[e]};
                             sorter.scatter(stream, &entry, 1);
                           }
                         });
                   });
    sorter.sort();
  }
  return transposed;
}

/// The mean of term(value), in double precision: blocks apart and then together, always the same
/// ones. 0 if there are none.
template <class Term>
double mean_of(const UninitializedVector<float>& values, ThreadTeam& team, const Term& term) {
  if (values.empty()) return 0;
  std::vector<double> sums((values.size() - 1) / kSumsGrain + 1);
  team.for_each_block(values.size(), kSumsGrain, [&](std::size_t begin, std::size_t end, int) {
    sums[begin / kSumsGrain] =
        std::accumulate(values.data() + begin, values.data() + end, 0.0,
                        [&](double sum, float value) { return sum + term(value); });
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0) / static_cast<double>(values.size());
}

// About what single precision can tell apart, as a part of the numbers.
constexpr double kResolution = 1e-6;

}  // namespace

double spread_of(double mean, double variance) {
  const double spread = std::max(std::sqrt(variance), kResolution * std::fabs(mean));
  return spread > 0 ? spread : 1;
}

std::size_t RatingBuffer::block_size(std::size_t b) const {
  return b + 1 < blocks_.size() ? kBlockEntries : size_ - b * kBlockEntries;
}

void RatingBuffer::append(const std::uint32_t* users, const std::uint32_t* items,
                          const float* values, std::size_t n) {
  while (n > 0) {
    const std::size_t place = size_ % kBlockEntries;
    if (place == 0) blocks_.push_back(ChunkPool::make_block(kBlockChunks));
    const std::size_t size = std::min(n, kBlockEntries - place);
    Entry* entries = reinterpret_cast<Entry*>(blocks_.back().get()) + place;
    for (std::size_t i = 0; i < size; ++i) entries[i] = {users[i], items[i], values[i]};
    size_ += size;
    users += size;
    items += size;
    values += size;
    n -= size;
  }
}

std::vector<ChunkPool::Block> RatingBuffer::take_blocks() {
  size_ = 0;
  return std::exchange(blocks_, {});
}

Ratings::Ratings(RatingBuffer&& buffer, const std::vector<std::uint32_t>& user_rank,
                 const std::vector<std::uint32_t>& item_rank, OnDuplicate on_duplicate,
                 ThreadTeam& team, const HoldoutRule* holdout) {
  // At most about 17 bytes an entry: as the users' rows grow to 8, the chunks shrink from 12 to
  // nothing; and the items' rows are made in parts, each of which needs 12 bytes an entry for a
  // while.
  ChunkPool pool;
  by_user_ = sort_by_user(std::move(buffer), user_rank, item_rank, pool, team);
  duplicates_ = merge_duplicates(by_user_, on_duplicate, team);
  if (holdout != nullptr) held_out_ = hold_out(by_user_, *holdout, team);
  by_item_ = transpose(by_user_, item_rank.size(), pool, team);
  mean_ = mean_of(by_user_.values, team, [](double value) { return value; });
  spread_ = spread_of(mean_, mean_of(by_user_.values, team, [this](double value) {
                        return (value - mean_) * (value - mean_);
                      }));
}

std::pair<float, float> Ratings::range() const {
  if (by_user_.values.empty()) return {};
  const auto [lowest, highest] =
      std::minmax_element(by_user_.values.begin(), by_user_.values.end());
  return {*lowest, *highest};
}

}  // namespace als
