// From a source of ratings to the chunks, items and totals of a workspace.
#pragma once

#include "core/chunks/chunk.h"
#include "core/data/popularity.h"
#include "core/data/ratings.h"
#include "core/pieces/step.h"
#include "pg/distribute/workspace.h"
#include "pg/server/random_number.h"
#include "pg/source/rating_source.h"

namespace als::pg {

/// What of a training decides how its ratings are packed.
struct PackingRequest {
  const DescribedSource& source;
  OnDuplicate on_duplicate;
  int factors;
  double holdout;  ///< the share of each user's ratings kept out
  std::uint64_t seed;
  std::int64_t shards = 0;  ///< into which Citus has spread the source by user
};

/// The rows of a source.
struct RowCounts {
  std::int64_t rows = 0;
  std::int64_t kept = 0;  ///< with neither a null id nor a null rating
  std::int64_t users = 0;
  std::pair<float, float> range{};  ///< of the ratings, before duplicates are merged
};

/// Ratings in a workspace. The source is read once, under the snapshot that is active then.
class Packing {
 public:
  Packing(const PackingRequest& request, Workspace& workspace)
      : request_(request), workspace_(workspace) {}

  /// Runs a statement that reads the source and writes, under the snapshot that is active: nothing
  /// is seen of what others have committed since, and all that this transaction has done.
  static std::uint64_t write_from_source(const std::string& sql,
                                         std::initializer_list<Oid> types = {},
                                         const std::vector<Param>& params = {});

  virtual ~Packing() = default;
  Packing(const Packing&) = delete;
  Packing& operator=(const Packing&) = delete;

  /// Gathers the rows, and numbers their items. Throws P0002 if no row counts, 21000 for duplicates
  /// where they are an error, 54000 for more items than a training has.
  void read();

  void analyze_items();

  /// Packs the ratings.
  virtual void pack();

  const RowCounts& counts() const { return counts_; }
  std::uint32_t items() const { return static_cast<std::uint32_t>(items_); }
  std::uint32_t slice_items() const;  ///< as many slices for each part
  const RatingMoments& moments() const { return moments_; }
  std::int64_t duplicates() const { return duplicates_; }

  /// The ratings of some users in memory, all of them if they are few, of those that have been
  /// packed: for what is measured on a sample.
  virtual Ratings sample(ThreadTeam& team);

  /// Sums what the ratings of each item come to, and makes the slices that a training starts with.
  /// Completes `training` by the loss where all factors are zero. known_items: of known_factors(),
  /// or empty.
  void make_slices(PartsTraining& training, const std::string& known_items);

  /// See PartsTraining, once the ratings are packed.
  virtual std::uint64_t greatest_judged_hash();

  /// Of all items.
  std::vector<RatingTotals> totals() const;

 protected:
  /// Fills the table of rows.
  virtual void gather_rows();
  virtual void read_counts();
  /// Those parameters of rows_statement() that are for some of the parts.
  Param places_param(const std::vector<int>& parts) const;

  /// Fills the table of items.
  virtual void number_items();
  virtual void check_duplicates();
  [[noreturn]] void throw_duplicate(TupleTableSlot* slot) const;
  std::vector<Oid> id_types() const;

  static std::vector<Oid> count_types() { return {INT8OID, INT8OID, INT8OID}; }
  /// Of a row of counts_query().
  void add_counts(TupleTableSlot* slot);
  int places_in_part() const;
  std::int64_t chunks_in_part() const;  ///< at most
  std::vector<Param> chunk_params() const;

  /// A row of facts_query(), in the order of parts and chunks.
  void add_facts(TupleTableSlot* slot);
  static std::vector<Oid> fact_types() {
    return {INT4OID,   INT4OID, INT4OID,   INT8OID,  FLOAT8OID,
            FLOAT8OID, INT8OID, FLOAT4OID, FLOAT4OID};
  }

  /// Gathers what the ratings of each item come to in each part.
  virtual void sum_totals(const Param& training, std::uint32_t slices);

  /// The last of a query's hashes.
  std::uint64_t greatest_of(const std::string& hashes) const;

  /// One of so many users is in a sample.
  int sample_buckets() const;
  /// Of what such a query finds: see sample_query().
  Ratings sample_of(const std::string& query, ThreadTeam& team) const;

  const PackingRequest& request() const { return request_; }
  Workspace& workspace() const { return workspace_; }

 private:
  void check_counts() const;
  void check_items() const;
  std::int64_t report_bytes() const;  // of a slice
  std::int64_t users_in_chunk() const;

  const PackingRequest request_;
  Workspace& workspace_;
  RowCounts counts_;
  std::int64_t items_ = 0;
  RatingMoments moments_;
  std::int64_t duplicates_ = 0;
};

}  // namespace als::pg
