#include "core/evaluate/flat_evaluation.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace als {
namespace {

/// A user with some numbers of their own, and lists of a model with 20 items.
MeasuredUser some_user(std::uint32_t n) {
  MeasuredUser user({1, 3});
  user.groups = 2;
  user.group = n % 3;  // 2: of no group
  user.items = 20;
  user.known = 1;
  user.sums.rows = n + 5;
  user.sums.predictable = n + 4;
  user.sums.users = 1;
  user.sums.relevant = n + 2;
  user.sums.left_out = n;
  user.sums.errors.model = PredictionError(n + 4, 0.5 * n, 0.25 * n);
  user.sums.errors.means = PredictionError(n + 4, 1.5 * n, 1.25 * n);
  user.sums.errors.deviations = 0.125 * n;
  user.sums.errors.deviation_squares = 3.0 * n;
  user.sums.errors.lowest = 1 + 0.5 * n;
  user.sums.errors.highest = 4 + 0.5 * n;
  user.sums.ranking.users = 1;
  user.sums.ranking.mrr = 1.0 / (n + 1);
  user.sums.ranking.at[1].recall = 0.25 * n;
  user.sums.popular.auc = 0.5 * n;
  user.best = {n % 20, (n + 1) % 20, (n + 2) % 20};
  user.most_popular = {7, 8};
  return user;
}

class Sums {
 public:
  explicit Sums(const MeasuredUser& like)
      : bytes_(FlatEvaluation::bytes(FlatEvaluation::shape_of(like)), 'x'),
        sums_(FlatEvaluation::shape_of(like), bytes_.data()) {}
  FlatEvaluation& operator*() { return sums_; }
  FlatEvaluation* operator->() { return &sums_; }
  std::string& bytes() { return bytes_; }

 private:
  std::string bytes_;
  FlatEvaluation sums_;
};

TEST(FlatEvaluation, AddsUpWhereverUsersAre) {
  Sums all(some_user(0));
  Sums even(some_user(0));
  Sums odd(some_user(0));
  for (std::uint32_t n = 0; n < 6; ++n) {
    const auto user = MeasuredUser::of_bytes(some_user(n).bytes());
    ASSERT_TRUE(user.has_value());
    all->add(*user);
    (n % 2 == 0 ? even : odd)->add(*user);
  }
  even->add(*odd);
  EXPECT_EQ(all.bytes(), even.bytes());

  const auto found = FlatEvaluation::open(even.bytes().data(), even.bytes().size());
  ASSERT_TRUE(found.has_value());
  const auto group = found->group(1);  // users 1 and 4
  ASSERT_TRUE(group.has_value());
  EXPECT_EQ(group->rows, 6U + 9U);
  EXPECT_EQ(group->left_out, 5U);
  EXPECT_EQ(group->errors.model.n(), 5U + 8U);
  EXPECT_DOUBLE_EQ(group->errors.model.squares(), 2.5);
  EXPECT_DOUBLE_EQ(group->errors.means.absolutes(), 6.25);
  EXPECT_DOUBLE_EQ(group->errors.lowest, 1.5);
  EXPECT_DOUBLE_EQ(group->errors.highest, 6);
  EXPECT_EQ(group->ranking.users, 2U);
  EXPECT_DOUBLE_EQ(group->ranking.mrr, 0.5 + 0.2);
  EXPECT_DOUBLE_EQ(group->ranking.at[1].recall, 1.25);
  EXPECT_DOUBLE_EQ(group->popular.auc, 2.5);
  // Lists of all users, up to each cutoff.
  EXPECT_EQ(found->covered(FlatEvaluation::Lists::kOfModel, 0), 6U);
  EXPECT_EQ(found->covered(FlatEvaluation::Lists::kOfModel, 1), 8U);
  EXPECT_EQ(found->covered(FlatEvaluation::Lists::kMostPopular, 0), 1U);
  EXPECT_EQ(found->covered(FlatEvaluation::Lists::kMostPopular, 1), 2U);
}

TEST(FlatEvaluation, SumsOfNobody) {
  Sums none(some_user(0));
  const auto group = none->group(0);
  ASSERT_TRUE(group.has_value());
  EXPECT_EQ(group->rows, 0U);
  EXPECT_FALSE(group->errors.has_r2());
}

/// Every byte but the first ones may be a number as well.
TEST(FlatEvaluation, ReadsWithoutTrust) {
  const std::string bytes = some_user(3).bytes();
  for (std::size_t n = 0; n < bytes.size(); ++n)
    EXPECT_FALSE(MeasuredUser::of_bytes(std::string_view(bytes).substr(0, n)).has_value());
  EXPECT_FALSE(MeasuredUser::of_bytes(bytes + "x").has_value());
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    std::string changed = bytes;
    changed[n] = static_cast<char>(changed[n] ^ 0xff);
    const auto user = MeasuredUser::of_bytes(changed);
    if (!user) continue;
    if (FlatEvaluation::bytes(FlatEvaluation::shape_of(*user)) > std::size_t{1} << 24) continue;
    Sums sums(*user);
    sums->add(*user);
  }
  MeasuredUser wrong = some_user(3);
  wrong.best = {20};
  EXPECT_FALSE(MeasuredUser::of_bytes(wrong.bytes()).has_value());
  wrong = some_user(3);
  wrong.sums.errors.deviations = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(MeasuredUser::of_bytes(wrong.bytes()).has_value());

  Sums sums(some_user(3));
  EXPECT_FALSE(FlatEvaluation::open(sums.bytes().data(), sums.bytes().size() - 1).has_value());
  EXPECT_FALSE(FlatEvaluation::open(sums.bytes().data(), 3).has_value());
  sums.bytes()[0] = 'y';
  EXPECT_FALSE(FlatEvaluation::open(sums.bytes().data(), sums.bytes().size()).has_value());
}

}  // namespace
}  // namespace als
