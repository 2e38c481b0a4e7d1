#include "pg/ranking.h"

#include "pg/args.h"
#include "pg/id_argument.h"

namespace als::pg {

namespace {

std::vector<ScoredItem> best_eligible(const std::vector<float>& scores,
                                      const EligibleItems& eligible, int k) {
  TopK top(static_cast<std::size_t>(k));
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (eligible[i]) top.offer(static_cast<std::uint32_t>(i), scores[i]);
  return top.take();
}

}  // namespace

OnUnknown on_unknown_arg(FunctionCallInfo fcinfo, int index) {
  std::string choice = choice_arg(fcinfo, index, "on_unknown", {"empty", "popular", "error"});
  if (choice == "empty") return OnUnknown::kEmpty;
  return choice == "popular" ? OnUnknown::kPopular : OnUnknown::kError;
}

EligibleItems::EligibleItems(FunctionCallInfo fcinfo, int candidates, int exclude,
                             const FactorSide& items)
    : eligible_(items.size(), PG_ARGISNULL(candidates)) {
  const auto mark = [&](int index, const char* name, bool value) {
    if (PG_ARGISNULL(index)) return;
    for (std::uint32_t item : id_array_arg(fcinfo, index, items.ids(), name))
      if (item != IdDictionary::kMissing) eligible_[item] = value;
  };
  mark(candidates, "candidates", true);
  mark(exclude, "exclude", false);
}

std::vector<ScoredItem> best_items(ServedModel& served, const float* vector, float base, int k,
                                   const EligibleItems& eligible) {
  const FactorSide& items = served.side(Side::kItems);
  std::vector<float> scores(items.size());
  score_all(items.matrix(), items.bias().data(), base, vector, scores.data());
  return best_eligible(scores, eligible, k);
}

std::vector<ScoredItem> popular_items(ServedModel& served, int k, const EligibleItems& eligible) {
  const std::vector<std::int32_t>& n_ratings = served.side(Side::kItems).n_ratings();
  return best_eligible({n_ratings.begin(), n_ratings.end()}, eligible, k);
}

}  // namespace als::pg
