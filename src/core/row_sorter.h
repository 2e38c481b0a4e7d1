// Sorting entries into compressed rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/chunk_pool.h"
#include "core/compressed_rows.h"
#include "core/thread_team.h"

namespace als {

/// Sorts entries by row and column, whatever the order in which they come.
///
/// Written one by one to where they belong, the entries of a large matrix would each meet another
/// line of memory. So they are first dealt out to buckets, each for a run of rows, and then each
/// bucket, which fits a processor's cache, is sorted by itself. The buckets are piles of chunks, so
/// that they can grow while the memory that the entries come from shrinks.
class RowSorter {
 public:
  struct Entry {
    std::uint32_t row;
    std::uint32_t column;
    float value;
  };

  enum class Columns {
    kInAnyOrder,
    kAscending,  ///< each row's columns ascend already, over the streams one after the other
  };

  /// rows.offsets says what place each row gets, which is to be filled exactly.
  RowSorter(CompressedRows& rows, std::size_t n_columns, Columns columns, ChunkPool& pool,
            ThreadTeam& team);

  /// Entries are dealt in this many streams, at most one thread in each at a time.
  std::size_t streams() const { return streams_; }

  void deal(std::size_t stream, const Entry* entries, std::size_t n) {
    Pile* piles = piles_.data() + stream * buckets();
    const std::uint16_t* bucket_of = bucket_of_.data();
    for (std::size_t e = 0; e < n; ++e) {
      Pile& pile = piles[bucket_of[entries[e].row]];
      if (pile.size % kChunkEntries == 0) start_chunk(pile);
      pile.chunk[pile.size++ % kChunkEntries] = entries[e];
    }
  }

  /// Cuts the rows into about `n` parts of about the same number of entries. Returns the first row
  /// of each, and the number of rows at last.
  std::vector<std::size_t> parts(std::size_t n) const;

  /// Sorts all entries that have been dealt since the last call: those of one or more parts.
  void sort();

  /// The most bytes that chunks which are not full, and the sorting threads, take beside entries.
  static std::size_t memory(std::size_t entries, std::size_t rows, int threads);

 private:
  static constexpr std::size_t kChunkEntries = ChunkPool::kChunkBytes / sizeof(Entry);

  struct Pile {
    Entry* chunk = nullptr;  // the one being filled
    std::size_t size = 0;
  };
  struct Scratch;
  using Slices =
      std::function<void(std::size_t, const std::function<void(std::size_t, std::size_t)>&)>;

  std::size_t buckets() const { return firsts_.size() - 1; }
  void start_chunk(Pile& pile);
  void sort_bucket(std::size_t bucket, Scratch& scratch, const Slices& slices);

  CompressedRows& rows_;
  const std::size_t n_columns_;
  const Columns columns_;
  ChunkPool& pool_;
  ThreadTeam& team_;
  const std::vector<std::size_t> firsts_;  // the buckets' rows
  const std::size_t streams_;
  std::vector<std::uint16_t> bucket_of_;     // by row
  std::vector<Pile> piles_;                  // by stream and bucket
  std::vector<std::vector<Entry*>> chunks_;  // of each pile
};

}  // namespace als
