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

/// The entries of a buffer, by user in canonical indexes.
class UserSorter {
 public:
  /// Uses up the buffer.
  UserSorter(RatingBuffer&& buffer, const std::vector<std::uint32_t>& user_rank,
             const std::vector<std::uint32_t>& item_rank, ChunkPool& pool, ThreadTeam& team)
      : entries_(buffer.size()),
        user_rank_(user_rank),
        item_rank_(item_rank),
        pool_(pool),
        team_(team),
        weights_(buffer.take_weights()) {
    for (ChunkPool::Block& block : buffer.take_blocks()) {
      blocks_.push_back(reinterpret_cast<RatingBuffer::Entry*>(block.get()));
      pool_.adopt(std::move(block));
    }
  }

  /// Weights are sorted by themselves: what is sorted in the same way comes to the same places.
  CompressedRows sort() {
    counts_ = count_rows(entries_, user_rank_.size(), team_,
                         [&](std::size_t begin, std::size_t end, const auto& visit) {
                           for (std::size_t e = begin; e < end; ++e) visit(entry(e).user);
                         });
    UninitializedVector<float> weights;
    if (!weights_.empty()) {
      weights = sort([&](std::size_t e) { return weights_[block_of(e)][place_of(e)]; },
                     [](RatingBuffer::Entry*) {})
                    .values;
      weights_.clear();
    }
    CompressedRows by_user = sort([&](std::size_t e) { return entry(e).value; },
                                  [&](RatingBuffer::Entry* chunk) { pool_.put_back(chunk); });
    by_user.weights = std::move(weights);
    return by_user;
  }

 private:
  static constexpr std::size_t kChunkEntries = RatingBuffer::kChunkEntries;

  static std::size_t block_of(std::size_t e) { return e / RatingBuffer::kBlockEntries; }
  static std::size_t place_of(std::size_t e) { return e % RatingBuffer::kBlockEntries; }
  RatingBuffer::Entry& entry(std::size_t e) { return blocks_[block_of(e)][place_of(e)]; }

  /// The entries with value(e). use_up(chunk) is called when that chunk of them is done with.
  template <class Value, class UseUp>
  CompressedRows sort(const Value& value, const UseUp& use_up) {
    CompressedRows by_user = make_rows(counts_, &user_rank_, team_);
    RowSorter sorter(by_user, item_rank_.size(), RowSorter::Columns::kInAnyOrder, pool_, team_);
    for_each_slice(
        (entries_ + kChunkEntries - 1) / kChunkEntries, sorter.streams(), kSlice / kChunkEntries,
        team_, [&](std::size_t begin, std::size_t end, std::size_t stream) {
          for (std::size_t c = begin; c < end; ++c) {
            const std::size_t first = c * kChunkEntries;
            RatingBuffer::Entry* chunk = &entry(first);
            const std::size_t size = std::min(kChunkEntries, entries_ - first);
            RowSorter::Entry ranked[kChunkEntries];
            for (std::size_t e = 0; e < size; ++e) {
              ranked[e] = {user_rank_[chunk[e].user], item_rank_[chunk[e].item], value(first + e)};
            }
            sorter.scatter(stream, ranked, size);
            use_up(chunk);
          }
        });
    sorter.sort();
    return by_user;
  }

  const std::size_t entries_;
  const std::vector<std::uint32_t>& user_rank_;
  const std::vector<std::uint32_t>& item_rank_;
  ChunkPool& pool_;
  ThreadTeam& team_;
  std::vector<RatingBuffer::Weights> weights_;
  std::vector<RatingBuffer::Entry*> blocks_;
  UninitializedVector<std::uint64_t> counts_;  // of the entries of each user, see count_rows()
};

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

/// Rows and columns changed, with these values.
CompressedRows transpose(const CompressedRows& matrix, const UninitializedVector<float>& values,
                         std::size_t n_columns, ChunkPool& pool, ThreadTeam& team) {
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
                                 columns[e], static_cast<std::uint32_t>(row), values[e]};
                             sorter.scatter(stream, &entry, 1);
                           }
                         });
                   });
    sorter.sort();
  }
  return transposed;
}

/// The sum of term(e) over n entries, in double precision: blocks apart and then together, always
/// the same ones.
template <class Term>
double sum_over(std::size_t n, ThreadTeam& team, const Term& term) {
  std::vector<double> sums(n / kSumsGrain + 1);
  team.for_each_block(n, kSumsGrain, [&](std::size_t begin, std::size_t end, int) {
    double sum = 0;
    for (std::size_t e = begin; e < end; ++e) sum += term(e);
    sums[begin / kSumsGrain] = sum;
  });
  return std::accumulate(sums.begin(), sums.end(), 0.0);
}

/// The mean of term(value), by the values' weights; 0 if there are none.
template <class Term>
double mean_of(const CompressedRows& rows, double sum_of_weights, ThreadTeam& team,
               const Term& term) {
  const float* values = rows.values.data();
  const float* weights = rows.weights.data();
  const std::size_t n = rows.values.size();
  if (n == 0) return 0;
  const double sum =
      rows.weights.empty()
          ? sum_over(n, team, [&](std::size_t e) { return term(values[e]); })
          : sum_over(n, team, [&](std::size_t e) { return weights[e] * term(values[e]); });
  return sum / sum_of_weights;
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
                          const float* values, std::size_t n, const float* weights) {
  while (n > 0) {
    const std::size_t place = size_ % kBlockEntries;
    if (place == 0) {
      blocks_.push_back(ChunkPool::make_block(kBlockChunks));
      if (weights != nullptr) weights_.emplace_back(new float[kBlockEntries]);
    }
    const std::size_t size = std::min(n, kBlockEntries - place);
    Entry* entries = reinterpret_cast<Entry*>(blocks_.back().get()) + place;
    for (std::size_t i = 0; i < size; ++i) entries[i] = {users[i], items[i], values[i]};
    if (weights != nullptr) {
      std::copy_n(weights, size, weights_.back().get() + place);
      weights += size;
    }
    size_ += size;
    users += size;
    items += size;
    values += size;
    n -= size;
  }
}

std::vector<ChunkPool::Block> RatingBuffer::take_blocks() {
  size_ = 0;
  weights_.clear();
  return std::exchange(blocks_, {});
}

Ratings::Ratings(RatingBuffer&& buffer, const std::vector<std::uint32_t>& user_rank,
                 const std::vector<std::uint32_t>& item_rank, OnDuplicate on_duplicate,
                 ThreadTeam& team, const HoldoutRule* holdout) {
  // At most about 17 bytes an entry, without weights: as the users' rows grow to 8, the chunks
  // shrink from 12 to nothing; and the items' rows are made in parts, each of which needs 12 bytes
  // an entry for a while.
  ChunkPool pool;
  by_user_ = UserSorter(std::move(buffer), user_rank, item_rank, pool, team).sort();
  duplicates_ = merge_duplicates(by_user_, on_duplicate, team);
  if (holdout != nullptr) held_out_ = hold_out(by_user_, *holdout, team);
  by_item_ = transpose(by_user_, by_user_.values, item_rank.size(), pool, team);
  const auto n = static_cast<double>(size());
  double weight = n;
  if (!by_user_.weights.empty()) {
    by_item_.weights = transpose(by_user_, by_user_.weights, item_rank.size(), pool, team).values;
    weight = sum_over(size(), team, [this](std::size_t e) { return by_user_.weights[e]; });
    mean_weight_ = n > 0 ? weight / n : 1;
  }
  mean_ = mean_of(by_user_, weight, team, [](double value) { return value; });
  spread_ = spread_of(mean_, mean_of(by_user_, weight, team, [this](double value) {
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
