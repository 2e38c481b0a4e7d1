// One run of als.evaluate.
//
//   test, history, candidates -> UserRowsReader -> PredictionEvaluator, RankingEvaluator
//   seen -> UserRowsReader -------------------------|
//   model's source -> SeenReader -> SeenLists ------'
//
// The users of the test go through in batches, each scored on all threads. Where als.max_memory
// does not hold what all users have seen, the model's source is read again for the rest of them.
#pragma once

#include "core/data/seen_lists.h"
#include "core/evaluate/prediction_error.h"
#include "core/evaluate/ranking_evaluator.h"
#include "pg/evaluate/folded_users.h"
#include "pg/evaluate/measurements.h"
#include "pg/history/user_rows_reader.h"
#include "pg/server/progress.h"

namespace als::pg {

struct EvaluationRequest {
  Oid model = InvalidOid;
  std::string test;
  std::vector<std::uint32_t> cutoffs;
  std::optional<std::string> history;
  std::optional<std::string> candidates;
  bool exclude_seen = true;
  std::optional<std::string>
      seen;  ///< beside the model's source; not named: as the model's row says
  std::optional<double> min_rating;
  bool clip = false;                    ///< predictions, to the scale of the model's ratings
  std::optional<std::string> user_col;  ///< these three: the model's
  std::optional<std::string> item_col;
  std::optional<std::string> rating_col;
  int threads = 1;

  /// A source that an argument names, with the columns of the model's source unless others are
  /// named.
  RatingSource source(const std::string& text, const Model& of, bool has_rating = true) const;
};

class Evaluation {
 public:
  /// `held`: bytes that the caller holds beside it.
  Evaluation(const EvaluationRequest& request, ServedModel& served, Progress& progress,
             std::size_t held = 0);
  Evaluation(const Evaluation&) = delete;
  Evaluation& operator=(const Evaluation&) = delete;

  /// Is given what came of some more users, each once.
  using OnUsers = std::function<void(const std::vector<UserResult>& users)>;

  std::vector<Measurement> run(const OnUsers& on_users = {});

  /// The users of the test, and of the history.
  const IdDictionary& users() const { return users_; }

  /// How many ratings each of them has in the history, or in the training, by number; 0 where the
  /// model does not know the user.
  std::vector<std::size_t> activities() const;

  /// What each of them has in the test, and whether it can be measured: the results of groups, but
  /// for what on_users is given. group_of: the number of a user's group, or one beyond all.
  void count_test(const std::function<std::size_t(std::uint32_t user)>& group_of,
                  std::vector<EvaluationSums>& groups) const;

  /// The metrics of a group of them.
  std::vector<Measurement> group_measurements(const EvaluationSums& group) const {
    return pg::group_measurements(group, prediction_.has_value(), item_means_.has_value(),
                                  request_.cutoffs);
  }

  /// The metrics of one of them.
  std::vector<Measurement> user_measurements(const UserResult& user) const {
    return pg::user_measurements(user, prediction_.has_value(), item_means_.has_value(),
                                 request_.cutoffs);
  }

  /// Bytes that it holds, and that the results of so many users take.
  std::size_t held() const { return held_; }
  std::size_t results_memory(std::size_t users) const;

 private:
  /// A user of the test of whom there is something to score by.
  struct KnownUser {
    std::uint32_t row;    ///< in the dictionary, and of test_, history_ and candidates_
    std::uint32_t model;  ///< in the model; of no meaning with a history
  };

  class Batch;

  CompressedRows read(const RatingSource& source, const char* argument, UnknownIds unknown_ids);
  void check_memory(std::size_t more) const;
  void read_sources();
  void read_seen();
  void merge_history();
  void find_known_users();
  bool reads_what_is_seen() const;
  void evaluate_all(const OnUsers& on_users);
  void evaluate(std::size_t begin, std::size_t end, const SeenLists* seen, const OnUsers& on_users);
  void add_predictions(const Batch& batch, std::vector<UserResult>& results);
  void add_rankings(const Batch& batch, const SeenLists* seen, std::vector<UserResult>& results);
  bool has_relevant(std::uint32_t row) const;
  std::size_t known_items(std::uint32_t row) const;
  void add_relevant(std::uint32_t row, std::vector<std::uint32_t>& items) const;
  void add_excluded(const KnownUser& user, const SeenLists* seen,
                    std::vector<std::uint32_t>& items) const;
  std::vector<Measurement> measurements() const;

  const EvaluationRequest& request_;
  ServedModel& served_;
  const Model& model_;
  const LoadedFactors& items_;
  Progress& progress_;
  ThreadTeam team_;
  std::size_t held_;  // bytes, of what has been read and of the evaluators
  std::vector<float> popularity_;

  IdDictionary users_;
  CompressedRows test_;
  std::optional<CompressedRows> history_;
  std::optional<CompressedRows> candidates_;
  std::optional<CompressedRows> seen_;  // beside the model's source
  std::optional<std::vector<double>> item_means_;
  std::vector<double> no_means_;
  std::vector<KnownUser> known_;  // in the order of their ids

  RankingEvaluator ranking_;
  std::optional<PredictionEvaluator> prediction_;
  std::optional<FoldedUsers> folded_;
  std::size_t relevant_ = 0;  // known items that are relevant to known users
  std::size_t left_out_ = 0;  // of them not ranked, for having been seen
};

}  // namespace als::pg
