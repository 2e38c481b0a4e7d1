#include "core/evaluate/tested_user.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

namespace als {
namespace {

constexpr std::size_t kItems = 20;
constexpr std::size_t kFactors = 3;

TestedUser some_user() {
  TestedUser user;
  user.rows = 4;
  user.is_relevant = 1;
  user.is_known = 1;
  user.ratings_known = 12;
  user.all_items = 0;
  user.base = 3.5F;
  user.vector = {1, -2, 0.5F};
  user.items = {2, 7, 19};
  user.ratings = {5, 1, 4};
  user.means = {3.5, 2.25, 4};
  user.relevant = {2, 19};
  user.excluded = {9, 3};
  user.candidates = {1, 2, 3, 4};
  return user;
}

std::optional<TestedUser> read(const std::string& bytes) {
  return TestedUser::of_bytes(bytes, kItems, kFactors);
}

TEST(TestedUser, ComesBackFromBytes) {
  const auto user = read(some_user().bytes());
  ASSERT_TRUE(user.has_value());
  EXPECT_EQ(user->bytes(), some_user().bytes());
  EXPECT_EQ(user->vector, some_user().vector);
  EXPECT_EQ(user->means, some_user().means);
  EXPECT_EQ(user->excluded, some_user().excluded);
  EXPECT_EQ(user->ratings_known, 12U);

  const auto unknown = read(TestedUser().bytes());
  ASSERT_TRUE(unknown.has_value());
  EXPECT_EQ(unknown->is_known, 0U);
}

TEST(TestedUser, RefusesOtherBytes) {
  const std::string bytes = some_user().bytes();
  for (std::size_t n = 0; n < bytes.size(); ++n) EXPECT_FALSE(read(bytes.substr(0, n)));
  EXPECT_FALSE(read(bytes + 'x'));
  // Whatever byte is another, what comes back is a user of this model, or nothing.
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    std::string other = bytes;
    other[n] = static_cast<char>(other[n] ^ 0x81);
    const auto user = read(other);
    if (!user) continue;
    for (const auto* list : {&user->items, &user->relevant, &user->excluded, &user->candidates})
      for (const std::uint32_t item : *list) EXPECT_LT(item, kItems);
    for (const float x : user->vector) EXPECT_TRUE(std::isfinite(x));
  }
}

TEST(TestedUser, RefusesUsersOfOtherModels) {
  const std::string bytes = some_user().bytes();
  EXPECT_FALSE(TestedUser::of_bytes(bytes, 19, kFactors));
  EXPECT_FALSE(TestedUser::of_bytes(bytes, kItems, kFactors + 1));
  const auto refused = [](auto&& change) {
    TestedUser user = some_user();
    change(user);
    return !read(user.bytes());
  };
  EXPECT_TRUE(refused([](TestedUser& user) { user.items = {7, 2, 19}; }));
  EXPECT_TRUE(refused([](TestedUser& user) { user.relevant = {2, 2}; }));
  EXPECT_TRUE(refused([](TestedUser& user) { user.rows = 2; }));
  EXPECT_TRUE(refused([](TestedUser& user) { user.vector[1] = NAN; }));
  EXPECT_TRUE(refused([](TestedUser& user) { user.ratings[0] = INFINITY; }));
  EXPECT_TRUE(refused([](TestedUser& user) { user.base = NAN; }));
  EXPECT_TRUE(refused([](TestedUser& user) { user.is_known = 0; }));
}

}  // namespace
}  // namespace als
