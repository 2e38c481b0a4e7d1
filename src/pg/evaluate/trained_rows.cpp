// Compares one user's rows in a test with those in the source.

#include "pg/evaluate/trained_rows.h"

#include "pg/evaluate/item_means.h"

namespace als::pg {

namespace {

/// The items of the user that are in the source now, ascending.
std::vector<std::uint32_t> items_in_source(ServedModel& served, Datum user, ThreadTeam& team) {
  try {
    const LiveRatings live(served, Side::kUsers, {user}, team);
    std::vector<std::uint32_t> items(live.rows().columns.begin(), live.rows().columns.end());
    std::sort(items.begin(), items.end());
    return items;
  } catch (const UserError&) {
    return {};  // a rating is too large, say, or there twice: nothing that an evaluation minds
  }
}

}  // namespace

bool looks_for_trained_rows(const EvaluationRequest& request, const Model& model) {
  return model.feedback == Feedback::kExplicit && request.exclude_seen && request.cutoffs.empty() &&
         !request.history && has_item_means(model);
}

TestedMost tested_most(const IdDictionary& users, const CompressedRows& test) {
  std::vector<std::uint32_t> rank(users.size());
  server([&] { users.rank(rank.data()); });
  std::uint32_t row = 0;
  for (std::uint32_t r = 1; r < users.size(); ++r)
    if (test.row_size(r) > test.row_size(row) ||
        (test.row_size(r) == test.row_size(row) && rank[r] < rank[row]))
      row = r;
  return {users.id(row),
          {test.columns.data() + test.offsets[row], test.columns.data() + test.offsets[row + 1]}};
}

void tell_of_trained_rows(ServedModel& served, const TestedMost& tested, ThreadTeam& team) {
  const std::vector<std::uint32_t> there = items_in_source(served, tested.user, team);
  const auto trained = std::count_if(
      tested.items.begin(), tested.items.end(),
      [&](std::uint32_t item) { return std::binary_search(there.begin(), there.end(), item); });
  if (trained == 0) return;
  server([&] {
    ereport(NOTICE,
            (errmsg("als: %zd of the test's %zu rows of user %s are in the model's source",
                    static_cast<std::ptrdiff_t>(trained), tested.items.size(),
                    id_text(served.id_type(Side::kUsers), tested.user)),
             errhint("If the model was trained on rows of the test, its errors come out too small: "
                     "als.split makes a part to train on and another to test with.")));
  });
}

}  // namespace als::pg
