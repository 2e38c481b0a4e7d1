#include "core/tune/compass_search.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <set>
#include <vector>

namespace als {
namespace {

using Point = CompassSearch::Point;

/// All points tried, in order.
std::vector<Point> run(CompassSearch search, const std::function<double(const Point&)>& value) {
  std::vector<Point> tried;
  while (const auto point = search.next()) {
    tried.push_back(*point);
    search.tell(value(*point));
  }
  return tried;
}

Point best_of(const std::vector<Point>& tried, const std::function<double(const Point&)>& value) {
  Point best = tried.front();
  for (const Point& point : tried) {
    if (value(point) > value(best)) best = point;
  }
  return best;
}

TEST(CompassSearch, BeginsAtTheOriginAndGoesOnWhereItIsBetter) {
  const auto tried =
      run(CompassSearch({{4, -20, 20}}), [](const Point& p) { return -std::abs(p[0] + 9); });
  EXPECT_EQ(tried, (std::vector<Point>{{0}, {-4}, {-8}, {-12}, {-10}, {-6}, {-9}}));
}

TEST(CompassSearch, FindsTheTopOfAHill) {
  const auto hill = [](const Point& p) {
    return -std::pow(p[0] - 5, 2) - std::pow(p[1] + 3, 2) - 0.5 * (p[0] - 5) * (p[1] + 3);
  };
  const auto tried = run(CompassSearch({{4, -16, 16}, {4, -16, 16}}), hill);
  EXPECT_EQ(best_of(tried, hill), (Point{5, -3}));
  EXPECT_LT(tried.size(), 25U);
}

TEST(CompassSearch, TriesNothingTwiceNorBeyondTheBounds) {
  const auto tried =
      run(CompassSearch({{2, -2, 2}, {8, -3, 20}}), [](const Point& p) { return p[0] + p[1]; });
  EXPECT_EQ(std::set<Point>(tried.begin(), tried.end()).size(), tried.size());
  for (const Point& point : tried) {
    EXPECT_LE(std::abs(point[0]), 2);
    EXPECT_GE(point[1], -3);
    EXPECT_LE(point[1], 20);
  }
  EXPECT_EQ(tried.back().size(), 2U);
}

TEST(CompassSearch, WhatHasNoValueIsTheWorst) {
  const auto tried =
      run(CompassSearch({{1, -2, 2}}), [](const Point& p) { return p[0] < 1 ? NAN : p[0]; });
  EXPECT_EQ(tried, (std::vector<Point>{{0}, {-1}, {1}, {2}}));
  EXPECT_EQ(run(CompassSearch({{1, -2, 2}}), [](const Point&) { return NAN; }),
            (std::vector<Point>{{0}, {-1}, {1}}));
}

}  // namespace
}  // namespace als
