// An evaluation where Citus has distributed the users: each node evaluates its own.
#pragma once

#include "core/evaluate/flat_evaluation.h"
#include "pg/evaluate/evaluation.h"
#include "pg/server/memory_context.h"

namespace als::pg {

/// An evaluation as statements that Citus runs on its nodes: the rows of the test, and what else is
/// named, go to where the users are, packed by user, and als._sum_tested ranks them there, in
/// blocks. What comes to this node are the sums of each shard, and which items were in a list.
class SpreadEvaluation {
 public:
  /// Within an SPI connection. What is given must outlive it.
  SpreadEvaluation(const EvaluationRequest& request, ServedModel& served, Progress& progress);
  SpreadEvaluation(const SpreadEvaluation&) = delete;
  SpreadEvaluation& operator=(const SpreadEvaluation&) = delete;

  /// Whether the users are distributed, the items on all nodes, all ids of the model's types, a
  /// history without weights and times, and there is a schema to make tables in.
  bool is_possible() const { return possible_; }

  /// least: of each group how many ratings a user has at least; empty: all are one group. per_user:
  /// the table that is to be made of what comes of each user.
  void run(const std::vector<std::size_t>& least, const std::optional<std::string>& per_user);

  /// Makes a table (user_id, result) of what als._measured_user returns of each user without item
  /// means, which lies with them. Whoever calls drops it.
  std::string keep_results();

  /// What als.evaluate returns, and of a group what als.evaluate_by_activity does.
  std::vector<Measurement> measurements() const;
  std::vector<Measurement> group_measurements(std::size_t group) const;

 private:
  enum class Part { kTest, kHistory, kSeen, kMoreSeen, kCandidates };

  /// What is known of users in a relation or query, on its way to them.
  struct Packed {
    Part part;
    DescribedSource source;
    bool has_ratings;
    std::string table;  ///< made for it: user_id, items, and ratings
  };

  /// What a statement says of the users.
  struct Call {
    std::string user;     ///< als._tested_user of each row
    std::string measure;  ///< the arguments that say how it is measured
    std::string from;     ///< the FROM clause
  };

  static std::string name_of(Part part);
  void add(Part part, const RatingSource& source, const char* argument, bool has_ratings);
  void name_sources();
  bool has_errors() const;
  std::vector<Param> item_means() const;
  void pack(Packed& packed);
  void pack_all();
  void look_for_trained_rows() const;
  void drop_packed() const;
  std::string packed_by_user() const;
  std::string measure_arguments(const std::string& model,
                                const std::vector<std::size_t>& least) const;
  Call tested(const std::vector<std::size_t>& least) const;
  std::string keep_measured(const Call& call) const;
  void read_sums(const std::string& query, std::size_t groups);
  EvaluationSums sums_of(std::size_t group) const;

  const EvaluationRequest& request_;
  ServedModel& served_;
  const Model& model_;
  Progress& progress_;
  OwnedMemoryContext context_;
  bool possible_;
  std::string schema_;
  std::string prefix_;
  std::vector<Packed> packed_;  // the test first
  std::optional<std::vector<double>> item_means_;
  std::string memory_;
  std::optional<FlatEvaluation> sums_;  // of memory_
};

}  // namespace als::pg
