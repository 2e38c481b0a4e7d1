// Folds users in by their rows of the history.

#include "pg/evaluate/folded_users.h"

#include <stdexcept>

namespace als::pg {

FoldedUsers::FoldedUsers(ServedModel& served, const CompressedRows& history, ThreadTeam& team)
    : model_(served.model()), history_(history), team_(team), items_(served, Side::kItems) {}

std::size_t FoldedUsers::memory(const Model& model, std::size_t n) {
  return n * (FactorMatrix(0, static_cast<std::size_t>(model.factors)).stride() + 1) *
         sizeof(float);
}

Factors FoldedUsers::fold_in(const std::uint32_t* users, std::size_t n) const {
  try {
    return fold_in_all(
        items_.objective, n, [&](std::size_t u) { return ratings_of(history_, users[u]); },
        items_.vectors, items_.gram, team_);
  } catch (const std::range_error&) {
    throw_no_finite_vector(model_, "a user of history");
  }
}

}  // namespace als::pg
