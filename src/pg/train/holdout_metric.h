// What ratings kept out say of a model.
#pragma once

#include "pg/train/training_data.h"

namespace als::pg {

/// How well a model does on ratings kept out of its training.
class HoldoutMetric {
 public:
  /// What a training records.
  explicit HoldoutMetric(Feedback feedback)
      : kind_(feedback == Feedback::kExplicit ? Kind::kRmse : Kind::kRecall) {}

  /// By its name, such as "recall@20". Throws 22023 if there is none of this name for the feedback.
  HoldoutMetric(const std::string& name, Feedback feedback);

  bool more_is_better() const { return kind_ != Kind::kRmse; }
  std::string name() const;
  double value(const Trainer& trainer, const TrainingData& data, ThreadTeam& team) const;

 private:
  enum class Kind { kRmse, kRecall, kPrecision, kNdcg, kMap, kHitRate };
  struct Ranking {
    const char* name;
    Kind kind;
  };
  static const Ranking kRankings[5];

  Kind kind_;
  std::size_t cutoff_ = 10;
};

}  // namespace als::pg
