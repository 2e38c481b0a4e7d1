// Scatters entries into buckets of rows, then sorts each bucket within the cache.
#include "core/data/row_sorter.h"

#include <algorithm>
#include <utility>

namespace als {
namespace {

// A bucket is sorted within a second-level cache, but there are not more of them than have a line
// each in such a cache while entries are scattered.
constexpr std::size_t kBucketEntries = std::size_t{1} << 15;
constexpr std::size_t kBuckets = std::size_t{1} << 11;

// What a thread sorts in one go, a few milliseconds. Only buckets of one row are larger.
constexpr std::size_t kLargeBucket = std::size_t{1} << 18;

constexpr std::size_t kSliceChunks = 256;  // a millisecond or so

std::size_t bucket_size(std::size_t entries, std::size_t rows) {
  return std::max(kBucketEntries, (entries + rows) / kBuckets);
}

std::size_t large_bucket(std::size_t entries, std::size_t rows, int threads) {
  return std::max(
      bucket_size(entries, rows),
      std::min(kLargeBucket, entries / (16 * static_cast<std::size_t>(std::max(threads, 1)))));
}

/// So few that chunks which are not full are a small part of all.
std::size_t stream_count(std::size_t entries, std::size_t chunk_entries, std::size_t buckets,
                         int threads) {
  return std::clamp<std::size_t>(entries / (4 * chunk_entries * std::max<std::size_t>(buckets, 1)),
                                 1, static_cast<std::size_t>(std::max(threads, 1)));
}

/// A part of the bits of a column.
struct Digit {
  unsigned shift;
  unsigned bits;
  std::size_t values() const { return std::size_t{1} << bits; }
  std::size_t of(std::uint32_t column) const { return (column >> shift) & (values() - 1); }
};

/// The digits of all columns, lowest first. Many entries are worth many counters.
std::vector<Digit> digits_of(std::size_t n_columns, std::size_t entries) {
  unsigned bits = 0;
  while (bits < 32 && n_columns > (std::size_t{1} << bits)) ++bits;
  const unsigned most = entries > kLargeBucket ? 16 : 11;
  const unsigned count = (bits + most - 1) / most;
  std::vector<Digit> digits;
  for (unsigned d = 0; d < count; ++d) {
    const unsigned shift = bits * d / count;
    digits.push_back({shift, bits * (d + 1) / count - shift});
  }
  return digits;
}

/// For each digit and each of its values, the place of the first entry that has it, after all with
/// lower ones. read(visit) hands out the entries.
template <class Read>
void find_places(const std::vector<Digit>& digits, const Read& read,
                 std::vector<std::vector<std::size_t>>& places) {
  places.resize(digits.size());
  for (std::size_t d = 0; d < digits.size(); ++d) places[d].assign(digits[d].values(), 0);
  read([&](const auto& entry) {
    for (std::size_t d = 0; d < digits.size(); ++d) ++places[d][digits[d].of(entry.column)];
  });
  for (std::vector<std::size_t>& digit_places : places) {
    std::size_t place = 0;
    for (std::size_t& p : digit_places) place += std::exchange(p, place);
  }
}

}  // namespace

/// What a thread sorts with.
struct RowSorter::Scratch {
  struct Chunk {
    Entry* entries;
    std::size_t size;
  };
  std::vector<Chunk> chunks;
  std::vector<std::vector<std::size_t>> places;  // of each value of each digit
  std::vector<std::uint64_t> next;               // place in each row
  UninitializedVector<Entry> sorted[2];
};

RowSorter::RowSorter(CompressedRows& rows, std::size_t n_columns, Columns columns, ChunkPool& pool,
                     ThreadTeam& team)
    : rows_(rows),
      n_columns_(n_columns),
      columns_(columns),
      pool_(pool),
      team_(team),
      firsts_(split_rows(rows, 1, bucket_size(rows.offsets.back(), rows.rows()))),
      streams_(
          stream_count(rows.offsets.back(), kChunkEntries, firsts_.size() - 1, team.threads())),
      bucket_of_(rows.rows()),
      parts_(streams_ * (firsts_.size() - 1)),
      chunks_(parts_.size()) {
  team.for_each_block(buckets(), 16, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t b = begin; b < end; ++b) {
      std::fill(bucket_of_.begin() + static_cast<std::ptrdiff_t>(firsts_[b]),
                bucket_of_.begin() + static_cast<std::ptrdiff_t>(firsts_[b + 1]),
                static_cast<std::uint16_t>(b));
    }
  });
}

void RowSorter::start_chunk(BucketPart& part) {
  part.chunk = static_cast<Entry*>(pool_.take());
  chunks_[static_cast<std::size_t>(&part - parts_.data())].push_back(part.chunk);
}

std::vector<std::size_t> RowSorter::parts(std::size_t n) const {
  std::vector<std::size_t> parts{0};
  for (const std::size_t row : firsts_) {
    if (rows_.offsets[row] - rows_.offsets[parts.back()] > rows_.offsets.back() / n) {
      parts.push_back(row);
    }
  }
  if (parts.back() < rows_.rows()) parts.push_back(rows_.rows());
  return parts;
}

void RowSorter::sort() {
  const std::size_t large = large_bucket(rows_.offsets.back(), rows_.rows(), team_.threads());
  std::vector<std::size_t> small_buckets;
  std::vector<std::size_t> large_buckets;
  for (std::size_t b = 0; b < buckets(); ++b) {
    std::size_t size = 0;
    for (std::size_t s = 0; s < streams_; ++s) size += parts_[s * buckets() + b].size;
    if (size > 0) (size > large ? large_buckets : small_buckets).push_back(b);
  }

  {
    std::vector<Scratch> scratch(static_cast<std::size_t>(team_.threads()));
    const Slices at_once = [](std::size_t n, const auto& body) { body(0, n); };
    team_.for_each_block(small_buckets.size(), 1, [&](std::size_t i, std::size_t, int thread) {
      sort_bucket(small_buckets[i], scratch[static_cast<std::size_t>(thread)], at_once);
    });
  }
  const Slices interruptible = [this](std::size_t n, const auto& body) {
    for (std::size_t done = 0; done < n; done += kSliceChunks) {
      team_.for_each_block(1, 1, [&](std::size_t, std::size_t, int) {
        body(done, std::min(n, done + kSliceChunks));
      });
    }
  };
  for (const std::size_t bucket : large_buckets) {
    Scratch scratch;
    sort_bucket(bucket, scratch, interruptible);
  }
}

/// The chunks of a bucket, in the order in which their entries came; returns how many entries.
std::size_t RowSorter::take_chunks(std::size_t bucket, Scratch& scratch) {
  std::size_t size = 0;
  auto& chunks = scratch.chunks;
  chunks.clear();
  for (std::size_t s = 0; s < streams_; ++s) {
    const std::size_t p = s * buckets() + bucket;
    std::size_t left = std::exchange(parts_[p], BucketPart()).size;
    size += left;
    for (Entry* chunk : std::exchange(chunks_[p], {})) {
      chunks.push_back({chunk, std::min(kChunkEntries, left)});
      left -= chunks.back().size;
    }
  }
  return size;
}

/// Radix sort, by the digits of the column and at last by the row.
void RowSorter::sort_bucket(std::size_t bucket, Scratch& scratch, const Slices& slices) {
  const std::size_t size = take_chunks(bucket, scratch);
  const auto& chunks = scratch.chunks;
  const auto visit_chunks = [&](const auto& visit, const auto& after) {
    slices(chunks.size(), [&](std::size_t begin, std::size_t end) {
      for (std::size_t c = begin; c < end; ++c) {
        std::for_each_n(chunks[c].entries, chunks[c].size, visit);
        after(chunks[c].entries);
      }
    });
  };
  const auto read_chunks = [&](const auto& visit) { visit_chunks(visit, [](Entry*) {}); };
  const auto use_up_chunks = [&](const auto& visit) {
    visit_chunks(visit, [&](Entry* entries) { pool_.release(entries); });
  };
  const auto read_array = [&](const Entry* entries, const auto& visit) {
    slices((size + kChunkEntries - 1) / kChunkEntries, [&](std::size_t begin, std::size_t end) {
      std::for_each(entries + begin * kChunkEntries, entries + std::min(size, end * kChunkEntries),
                    visit);
    });
  };

  const std::size_t first = firsts_[bucket];
  scratch.next.assign(rows_.offsets.begin() + static_cast<std::ptrdiff_t>(first),
                      rows_.offsets.begin() + static_cast<std::ptrdiff_t>(firsts_[bucket + 1]));
  const auto finish = [&, next = scratch.next.data(), columns = rows_.columns.data(),
                       values = rows_.values.data()](const Entry& e) {
    const std::uint64_t place = next[e.row - first]++;
    columns[place] = e.column;
    values[place] = e.value;
  };

  const std::vector<Digit> digits =
      columns_ == Columns::kAscending ? std::vector<Digit>() : digits_of(n_columns_, size);
  if (digits.empty()) {
    use_up_chunks(finish);
    return;
  }
  auto& places = scratch.places;
  find_places(digits, read_chunks, places);

  const Entry* from = nullptr;
  for (std::size_t d = 0; d < digits.size(); ++d) {
    auto& to = scratch.sorted[d % 2];
    if (to.size() < size) {
      to = {};
      to.resize(size);
    }
    const auto move = [digit = digits[d], next = places[d].data(), sorted = to.data()](
                          const Entry& e) { sorted[next[digit.of(e.column)]++] = e; };
    if (d == 0) {
      use_up_chunks(move);
    } else {
      read_array(from, move);
    }
    from = to.data();
  }
  read_array(from, finish);
}

std::size_t RowSorter::memory(std::size_t entries, std::size_t rows, int threads) {
  const std::size_t buckets = (entries + rows) / bucket_size(entries, rows) + 1;
  const std::size_t streams = stream_count(entries, kChunkEntries, buckets, threads);
  // Chunks are half full on average.
  const std::size_t parts = streams * buckets * (sizeof(BucketPart) + ChunkPool::kChunkBytes / 2);
  const std::size_t scratch = static_cast<std::size_t>(std::max(threads, 1)) * 2 * sizeof(Entry) *
                              std::min(entries, large_bucket(entries, rows, threads));
  return parts + scratch + rows * sizeof(std::uint16_t);
}

}  // namespace als
