#include "pg/folded_users.h"

#include <stdexcept>

namespace als::pg {

namespace {

// A user takes the whole team where one thread would take longer than this many multiply-adds:
// some ten milliseconds.
constexpr std::size_t kLongOperations = std::size_t{1} << 28;

}  // namespace

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
  return n * (sizeof(FoldedRow) + model.options().unknowns() * sizeof(float));
}

std::vector<FoldedRow> FoldedUsers::fold_in(const std::uint32_t* users, std::size_t n) const {
  std::vector<FoldedRow> folded(n);
  const auto fold = [&](std::size_t u, ThreadTeam& team) {
    const std::uint64_t begin = history_.offsets[users[u]];
    folded[u] = als::fold_in(objective_,
                             {history_.columns.data() + begin, history_.values.data() + begin,
                              history_.row_size(users[u])},
                             items_, gram_, team);
  };
  const std::size_t unknowns = objective_.options().unknowns();
  const auto is_long = [&](std::size_t u) {
    return history_.row_size(users[u]) * unknowns * unknowns > kLongOperations;
  };
  try {
    team_.for_each_block(n, 1, [&](std::size_t begin, std::size_t end, int) {
      ThreadTeam alone(1);
      for (std::size_t u = begin; u < end; ++u)
        if (!is_long(u)) fold(u, alone);
    });
    for (std::size_t u = 0; u < n; ++u)
      if (is_long(u)) fold(u, team_);
  } catch (const std::range_error&) {
    throw UserError(
        ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
        format("model %s gives no finite vector for a user of history", model_.name.c_str()),
        "Scale the ratings down, or train the model again if its own vectors are not finite.");
  }
  return folded;
}

}  // namespace als::pg
