// What an evaluation comes to for users whose part of the test is in bytes.
#pragma once

#include "core/evaluate/flat_evaluation.h"
#include "core/evaluate/prediction_error.h"
#include "core/evaluate/ranking_evaluator.h"
#include "core/evaluate/tested_user.h"
#include "pg/cache/served_model.h"

namespace als::pg {

/// What of an evaluation is the same for all users.
struct Measure {
  std::vector<std::uint32_t> cutoffs;
  std::optional<std::pair<float, float>> scale;  ///< that predictions are clipped to
  std::vector<std::size_t> activity;             ///< empty: all are one group

  bool operator==(const Measure& other) const {
    return cutoffs == other.cutoffs && scale == other.scale && activity == other.activity;
  }
};

/// Arguments from `first` on: cutoffs int[], lowest real, highest real, activity int[].
Measure measure_args(FunctionCallInfo fcinfo, int first);

/// Memory of an evaluation that counts among that of all others alive in this session: a query may
/// have one for each of its groups.
class EvaluationMemory {
 public:
  /// Throws 53400 where als.max_memory does not hold it too.
  EvaluationMemory(std::size_t bytes, std::size_t items);
  EvaluationMemory(const EvaluationMemory&) = delete;
  EvaluationMemory& operator=(const EvaluationMemory&) = delete;
  ~EvaluationMemory();

 private:
  const std::size_t bytes_;
};

/// Evaluates users in blocks.
class UserMeasurer {
 public:
  /// Users at a time, with whom threads are best used.
  static constexpr std::size_t kBlock = 4 * TileRanker::kMostUsers;

  /// Throws 53400 where als.max_memory does not hold it.
  UserMeasurer(std::shared_ptr<ServedModel> served, Measure measure);
  UserMeasurer(const UserMeasurer&) = delete;
  UserMeasurer& operator=(const UserMeasurer&) = delete;

  bool is_for(const ServedModel* served, const Measure& measure) const {
    return served_.get() == served && measure_ == measure;
  }

  FlatEvaluation::Shape shape() const;

  /// A user as als._tested_user has written them for this model. Throws 22P03.
  TestedUser tested_arg(FunctionCallInfo fcinfo, int index) const;

  /// What comes of each of them.
  std::vector<MeasuredUser> run(const std::vector<TestedUser>& users);

 private:
  MeasuredUser start(const TestedUser& user) const;
  void predict(const std::vector<TestedUser>& users, std::vector<MeasuredUser>& measured);
  void rank(const std::vector<TestedUser>& users, std::vector<MeasuredUser>& measured);

  const std::shared_ptr<ServedModel> served_;
  const Measure measure_;
  const Model& model_;
  const LoadedFactors& items_;
  const EvaluationMemory memory_;
  ThreadTeam team_;
  const std::vector<float> popularity_;
  std::vector<double> means_;  // of the items of the users at hand
  FactorMatrix vectors_;       // theirs
  RankingEvaluator ranking_;
  std::optional<PredictionEvaluator> prediction_;
};

}  // namespace als::pg
