// Compares one user's rows in a test with those in the source.

#include "pg/evaluate/trained_rows.h"

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

void tell_of_trained_rows(ServedModel& served, const IdDictionary& users,
                          const CompressedRows& test, ThreadTeam& team) {
  if (users.size() == 0) return;
  std::uint32_t row = 0;
  for (std::uint32_t r = 1; r < users.size(); ++r)
    if (test.row_size(r) > test.row_size(row)) row = r;
  const std::vector<std::uint32_t> there = items_in_source(served, users.id(row), team);
  const std::uint32_t* items = test.columns.data() + test.offsets[row];
  const std::size_t n_items = test.row_size(row);
  const auto trained = std::count_if(items, items + n_items, [&](std::uint32_t item) {
    return std::binary_search(there.begin(), there.end(), item);
  });
  if (trained == 0) return;
  server([&] {
    ereport(NOTICE,
            (errmsg("als: %zd of the test's %zu rows of user %s are in the model's source",
                    static_cast<std::ptrdiff_t>(trained), n_items,
                    id_text(users.type(), users.id(row))),
             errhint("If the model was trained on rows of the test, its errors come out too small: "
                     "als.split makes a part to train on and another to test with.")));
  });
}

}  // namespace als::pg
