// Compares a training's request with what the model's newest run was asked for.
#include "pg/train/forgotten_options.h"

#include "pg/model/recorded_run.h"
#include "pg/options/option_defaults.h"

namespace als::pg {

namespace {

/// "alpha 10 -> 40", and so on.
class Changes {
 public:
  void add(const std::string& name, const std::string& before, const std::string& now) {
    list_ += (list_.empty() ? "" : ", ") + name + " " + before + " -> " + now;
  }
  const std::string& list() const { return list_; }

 private:
  std::string list_;
};

std::string shown(const Option& option, const std::optional<OptionValue>& value) {
  if (!value) return "its default";
  std::string json = option.json(*value);
  json.erase(std::remove(json.begin(), json.end(), '"'), json.end());
  return json;
}

void add_options(const OptionChoices& before, const TrainRequest& request, Changes& changes) {
  const OptionChoices asked = without_defaults(request.choices);
  const Feedback feedback = request.options.feedback;
  for (const Option& option : kOptionTable) {
    const OptionId id = id_of(option);
    if (!before[id] || asked[id] || (option.only_for && *option.only_for != feedback)) continue;
    const std::string now =
        id == OptionId::kFeedback ? feedback_name(feedback) : shown(option, request.choices[id]);
    changes.add(option.name, shown(option, before[id]), now);
  }
}

/// A column that has its usual name now, and had another.
void add_column(const char* argument, const std::optional<std::string>& before,
                const std::optional<std::string>& now, const char* usual, Changes& changes) {
  if (now == usual && before != now) changes.add(argument, before.value_or("null"), *now);
}

/// Nothing where the row does not make sense: training the model again is what mends it.
std::optional<RecordedRun> readable_run(Oid model) {
  try {
    return recorded_run(model);
  } catch (const UserError&) {
    return std::nullopt;
  }
}

}  // namespace

void report_forgotten_options(Oid model, const TrainRequest& request) {
  if (!OidIsValid(model)) return;
  SnapshotScope snapshot;
  const std::optional<RecordedRun> before = readable_run(model);
  snapshot.pop();
  if (!before) return;
  Changes changes;
  add_options(before->options, request, changes);
  if (before->has_source) {
    add_column("user_col", before->user_col, request.source.user_col, "user_id", changes);
    add_column("item_col", before->item_col, request.source.item_col, "item_id", changes);
    add_column("rating_col", before->rating_col, request.source.rating_col, "rating", changes);
    if (before->weight_col && !request.source.weight_col)
      changes.add("weight_col", *before->weight_col, "nothing");
  }
  if (before->seen && !request.seen) changes.add("seen", *before->seen, "nothing");
  for (const Side side : {Side::kUsers, Side::kItems})
    if (before->features[side] && !request.features[side])
      changes.add(features_name(side), *before->features[side], "nothing");
  if (changes.list().empty()) return;
  const std::string name = relation_name(model);
  server([&] {
    ereport(NOTICE, (errmsg("model %s is trained otherwise than before: %s", name.c_str(),
                            changes.list().c_str()),
                     errhint("als.retrain keeps what is not named.")));
  });
}

}  // namespace als::pg
