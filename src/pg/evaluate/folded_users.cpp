#include "pg/evaluate/folded_users.h"

#include <stdexcept>

namespace als::pg {

FoldedUsers::FoldedUsers(ServedModel& served, const CompressedRows& history, ThreadTeam& team)
    : model_(served.model()),
      history_(history),
      team_(team),
      objective_(model_.options(), model_.biases ? model_.mean : 0.0,
                 served.side(Side::kItems).size()),
      items_(served.side(Side::kItems).rows(),
             model_.biases ? served.side(Side::kItems).bias() : nullptr),
      gram_(objective_.implicit() ? served.search(Side::kItems).gram() : nullptr) {}

std::size_t FoldedUsers::memory(const Model& model, std::size_t n) {
  return n * (FactorMatrix(0, static_cast<std::size_t>(model.factors)).stride() + 1) *
         sizeof(float);
}

Factors FoldedUsers::fold_in(const std::uint32_t* users, std::size_t n) const {
  try {
    return fold_in_all(
        objective_, n, [&](std::size_t u) { return ratings_of(history_, users[u]); }, items_, gram_,
        team_);
  } catch (const std::range_error&) {
    throw UserError(
        ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
        format("model %s gives no finite vector for a user of history", model_.name.c_str()),
        "Scale the ratings down, or train the model again if its own vectors are not finite.");
  }
}

}  // namespace als::pg
