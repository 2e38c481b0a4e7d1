// What a model's source says now of some ids.
#pragma once

#include "core/base/thread_team.h"
#include "core/data/compressed_rows.h"
#include "pg/cache/served_model.h"
#include "pg/server/memory_context.h"
#include "pg/server/progress.h"
#include "pg/source/rating_reader.h"

namespace als::pg {

/// The ratings that some ids of one side have in the live source, of ids of the other side that the
/// model knows: what training would give them a row for.
class LiveRatings {
 public:
  /// Reads under the active snapshot, as the caller, within an SPI connection. Throws what
  /// describe_source() and RatingReader::read() throw, 42804 if the source's ids have another type
  /// than the model's, 21000 for duplicates if training would refuse them, 53400 for more ratings
  /// than als.max_memory allows. `progress`, if any, is told the rows read.
  LiveRatings(ServedModel& served, Side side, const std::vector<Datum>& ids, ThreadTeam& team,
              Progress* progress = nullptr);
  LiveRatings(const LiveRatings&) = delete;
  LiveRatings& operator=(const LiveRatings&) = delete;

  /// The ids read; row r of the ratings is that of the one kept under order()[r]. No row is empty.
  const IdDictionary& ids() const { return reader_.ids(side_); }
  const std::vector<std::uint32_t>& order() const { return order_; }
  const CompressedRows& rows() const { return rows_; }

  /// Ratings merged into others of the same user and item.
  std::size_t duplicates() const { return duplicates_; }

  /// Whether the id has a row.
  bool contains(Datum id) const;

 private:
  OwnedMemoryContext context_;
  Side side_;
  DescribedSource source_;
  RatingReader reader_;
  std::vector<std::uint32_t> order_;
  CompressedRows rows_;
  std::size_t duplicates_ = 0;
  std::vector<bool> has_row_;  // by the dictionary's index
};

/// The model's source, whose columns have the types of the model's ids, or have been widened since.
/// The types are allocated in `context`. Within an SPI connection. Throws what describe_source()
/// throws, and 42804.
DescribedSource described_source(ServedModel& served, MemoryContext context);

}  // namespace als::pg
