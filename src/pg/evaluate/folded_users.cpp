// Folds users in by their rows of the history.

#include "pg/evaluate/folded_users.h"

#include <stdexcept>

#include "core/features/feature_rows.h"
#include "pg/history/user_rows_reader.h"

namespace als::pg {

FoldedUsers::FoldedUsers(ServedModel& served, const IdDictionary& users,
                         const CompressedRows& history, ThreadTeam& team)
    : model_(served.model()), history_(history), team_(team), items_(served, Side::kItems) {
  if (model_.has_features(Side::kUsers)) read_features(users);
}

void FoldedUsers::read_features(const IdDictionary& users) {
  const auto id_of = [&](std::size_t user) { return users.id(static_cast<std::uint32_t>(user)); };
  std::optional<std::vector<Datum>> few;
  if (users.size() <= kFewUsers) {
    few.emplace();
    for (std::size_t user = 0; user < users.size(); ++user) few->push_back(id_of(user));
  }
  const LiveFeatures live(model_, Side::kUsers, users.type(), few);
  features_ = live.rows(users.size(), id_of);
  weights_ = live.weights();
}

std::size_t FoldedUsers::memory(const Model& model, std::size_t n) {
  return n * (FactorMatrix(0, static_cast<std::size_t>(model.factors)).stride() + 1) *
         sizeof(float);
}

Factors FoldedUsers::fold_in(const std::uint32_t* users, std::size_t n) const {
  std::optional<Factors> means;
  if (weights_) {
    means = {FactorMatrix(n, weights_->matrix.cols()),
             std::vector<float>(weights_->bias.empty() ? 0 : n)};
    for (std::size_t u = 0; u < n; ++u)
      add_expected(ratings_of(features_, users[u]), *weights_, means->matrix.row(u),
                   means->bias.empty() ? nullptr : &means->bias[u]);
    check_expected(*means, model_, Side::kUsers);
  }
  try {
    return fold_in_all(
        items_.objective, n, [&](std::size_t u) { return ratings_of(history_, users[u]); },
        items_.vectors, items_.gram, team_, means ? &*means : nullptr,
        model_.feature_strength.users);
  } catch (const std::range_error&) {
    throw_no_finite_vector(model_, "a user of history");
  }
}

}  // namespace als::pg
