// From a source to what trainings work on.
#pragma once

#include "core/base/stopwatch.h"
#include "pg/model/factor_feed.h"
#include "pg/server/progress.h"
#include "pg/source/rating_reader.h"

namespace als::pg {

/// The ratings of a source in memory, some of them kept out, and the ids of their rows.
class TrainingData {
 public:
  struct Request {
    const DescribedSource& source;
    OnDuplicate on_duplicate;
    double holdout;  ///< the share of each user's ratings kept out
    std::uint64_t seed;
    int threads;
    const char* what;                            ///< is done with it, for messages: "training"
    const std::vector<TrainOptions>& trainings;  ///< that will be, one at a time
    const DescribedSource* test = nullptr;       ///< instead of a share: rows to judge by
  };

  /// Reads the described sources under a fresh snapshot: after waiting for another transaction, its
  /// rows too. Throws 53400 as soon as the trainings would need more memory than als.max_memory,
  /// P0002 if there are no ratings, 42804 if the ids of the test are of other types.
  TrainingData(const Request& request, Progress& progress);

  /// Indexes what has been read; needs an active snapshot, for the ids' own functions. Throws 21000
  /// for duplicates.
  void index(Progress& progress);

  const Ratings& ratings() const { return *ratings_; }
  const CompressedRows& held_out() const { return test_ ? test_->by_user() : ratings_->held_out(); }
  FactorFeed& users() { return users_; }
  FactorFeed& items() { return items_; }
  const RatingReader& reader() const { return reader_; }
  const std::vector<std::uint32_t>& user_rank() const { return user_rank_; }
  const std::vector<std::uint32_t>& item_rank() const { return item_rank_; }
  const std::vector<std::uint64_t>& user_keys() const { return user_keys_; }
  const std::vector<std::uint64_t>& item_keys() const { return item_keys_; }
  std::int64_t rows() const { return reader_.rows(); }
  std::int64_t skipped() const { return reader_.skipped(); }
  double seconds() const { return seconds_; }

  /// What the largest of the trainings takes at most, in bytes, all of this included.
  std::size_t memory() const { return memory_; }

  /// How many threads are of use for one.
  int useful_threads(const TrainOptions& options) const;

 private:
  const TrainOptions& largest() const;
  std::size_t memory_needed() const;
  void check_memory() const;
  void read(Progress& progress);
  void read_test(Progress& progress);
  [[noreturn]] void throw_duplicate(const DuplicateRating& duplicate) const;

  const Request request_;
  RatingReader reader_;
  std::optional<RatingReader> test_reader_;
  std::vector<std::uint32_t> user_rank_;
  std::vector<std::uint32_t> item_rank_;
  FactorFeed users_{};
  FactorFeed items_{};
  std::vector<std::uint64_t> user_keys_;
  std::vector<std::uint64_t> item_keys_;
  HoldoutRule rule_;
  std::optional<Ratings> ratings_;
  std::optional<Ratings> test_;
  std::size_t memory_ = 0;
  double seconds_ = 0;
};

}  // namespace als::pg
