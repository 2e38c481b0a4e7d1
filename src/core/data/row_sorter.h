// Sorting entries into compressed rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "core/base/thread_team.h"
#include "core/data/chunk_pool.h"
#include "core/data/compressed_rows.h"

namespace als {

/// Sorts entries by row and column, whatever the order in which they come.
///
/// Written one by one to where they belong, the entries of a large matrix would each meet another
/// line of memory. So they are first scattered out to buckets, each for a run of rows, and then
/// each bucket, which fits a processor's cache, is sorted by itself. The parts of a bucket are
/// chains of chunks, so that they can grow while the memory that the entries come from shrinks.
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

  /// Entries are scattered in this many streams, at most one thread in each at a time.
  std::size_t streams() const { return streams_; }

  void scatter(std::size_t stream, const Entry* entries, std::size_t n) {
    BucketPart* parts = parts_.data() + stream * buckets();
    const std::uint16_t* bucket_of = bucket_of_.data();
    for (std::size_t e = 0; e < n; ++e) {
      BucketPart& part = parts[bucket_of[entries[e].row]];
      if (part.size % kChunkEntries == 0) start_chunk(part);
      part.chunk[part.size++ % kChunkEntries] = entries[e];
    }
  }

  /// Cuts the rows into about `n` parts of about the same number of entries. Returns the first row
  /// of each, and the number of rows at last.
  std::vector<std::size_t> parts(std::size_t n) const;

  /// Sorts all entries that have been scattered since the last call: those of one or more parts.
  void sort();

  /// The most bytes that chunks which are not full, and the sorting threads, take beside entries.
  static std::size_t memory(std::size_t entries, std::size_t rows, int threads);

 private:
  static constexpr std::size_t kChunkEntries = ChunkPool::kChunkBytes / sizeof(Entry);

  struct BucketPart {
    Entry* chunk = nullptr;  // the one being filled
    std::size_t size = 0;
  };
  struct Scratch;
  using Slices =
      std::function<void(std::size_t, const std::function<void(std::size_t, std::size_t)>&)>;

  std::size_t buckets() const { return firsts_.size() - 1; }
  void start_chunk(BucketPart& part);
  std::size_t take_chunks(std::size_t bucket, Scratch& scratch);
  void sort_bucket(std::size_t bucket, Scratch& scratch, const Slices& slices);

  CompressedRows& rows_;
  const std::size_t n_columns_;
  const Columns columns_;
  ChunkPool& pool_;
  ThreadTeam& team_;
  const std::vector<std::size_t> firsts_;  // the buckets' rows
  const std::size_t streams_;
  std::vector<std::uint16_t> bucket_of_;     // by row
  std::vector<BucketPart> parts_;            // by stream and bucket
  std::vector<std::vector<Entry*>> chunks_;  // of each part of a bucket
};

}  // namespace als
