// Options as they are asked for; option_defaults.h fills in the rest.
#pragma once

#include "core/data/duplicates.h"
#include "core/train/options.h"
#include "pg/options/option_table.h"

namespace als::pg {

/// A value for some of the options; the others are left open.
class OptionChoices {
 public:
  void set(OptionId id, OptionValue value) { values_[static_cast<std::size_t>(id)] = value; }
  void leave_open(OptionId id) { values_[static_cast<std::size_t>(id)].reset(); }
  const std::optional<OptionValue>& operator[](OptionId id) const {
    return values_[static_cast<std::size_t>(id)];
  }

  std::int64_t integer(OptionId id, std::int64_t otherwise) const;
  double number(OptionId id, double otherwise) const;
  bool flag(OptionId id, bool otherwise) const { return integer(id, otherwise ? 1 : 0) != 0; }

  Feedback feedback() const { return static_cast<Feedback>(integer(OptionId::kFeedback, 0)); }

  /// As said, or what suits the feedback: the average of explicit ratings, the sum of implicit
  /// ones.
  OnDuplicate on_duplicate() const;

  /// Throws 22023 for an option that only the other kind of feedback has.
  void check_feedback() const;

  /// Those that have a value, as a JSON object.
  std::string json() const;

 private:
  std::array<std::optional<OptionValue>, kOptionCount> values_;
};

/// What such an object says; other members are passed over. Throws 22023 for a value that the
/// option cannot have.
OptionChoices choices_from_json(const JsonValue& object);

/// The choices that ask for these options, but for those of a training with features.
OptionChoices choices_of(const TrainOptions& options, OnDuplicate on_duplicate);

/// Those of a training with features of these sides.
void add_feature_options(const TrainOptions& options, bool of_users, bool of_items,
                         OptionChoices& choices);

const char* feedback_name(Feedback feedback);

}  // namespace als::pg
