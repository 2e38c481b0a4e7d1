// The parts of a report: text, numbers, axes and bins.

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "report/axis.h"
#include "report/bins.h"
#include "report/charts.h"
#include "report/html.h"
#include "report/numbers.h"

namespace als {
namespace {

TEST(Html, EscapesWhateverIsNotPlainAscii) {
  EXPECT_EQ(escaped("<a href=\"x\">&'"), "&#60;a href=&#34;x&#34;&#62;&#38;&#39;");
  EXPECT_EQ(escaped("caf\u00e9 \u65e5\U0001F600"), "caf&#233; &#26085;&#128512;");
}

TEST(Html, ReplacesWhatIsNoCharacter) {
  EXPECT_EQ(escaped("a\x07z"), "a&#65533;z");
  EXPECT_EQ(escaped("a\xc3"), "a&#65533;");
  EXPECT_EQ(escaped("\xff\x80z"), "&#65533;&#65533;z");
  EXPECT_EQ(escaped("\xed\xa0\x80"), "&#65533;");  // a surrogate
}

TEST(Html, ShortensByCharactersNotBytes) {
  EXPECT_EQ(shortened("\u00e9\u00e9\u00e9", 3), "\u00e9\u00e9\u00e9");
  EXPECT_EQ(shortened("\u00e9\u00e9\u00e9\u00e9", 3), "\u00e9\u00e9\u2026");
  EXPECT_EQ(shortened("one two", 5), "one\u2026");
  EXPECT_EQ(shortened("", 5), "");
}

TEST(Numbers, AsPeopleReadThem) {
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(-1000), "-1,000");
  EXPECT_EQ(compact(1234), "1.23k");
  EXPECT_EQ(compact(15.68e6), "15.68M");
  EXPECT_EQ(compact(0.125), "0.125");
  EXPECT_EQ(duration(0.45), "450 ms");
  EXPECT_EQ(duration(310), "5 min 10 s");
}

TEST(Axis, EnclosesItsValuesInRoundTicks) {
  const Axis axis = Axis::linear(0.132, 0.186, 5);
  EXPECT_LE(axis.low(), 0.132);
  EXPECT_GE(axis.high(), 0.186);
  EXPECT_EQ(axis.label(axis.ticks().front()), "0.12");
}

TEST(Axis, HasAnExtentWhateverTheValues) {
  const double largest = std::numeric_limits<double>::max();
  const double smallest = std::numeric_limits<double>::denorm_min();
  const double infinity = std::numeric_limits<double>::infinity();
  const double values[] = {0, 5, -3e-300, 1e300, smallest, 4e-299, largest, -largest, infinity};
  for (double low : values) {
    for (double high : values) {
      Axis axis = Axis::linear(low, high, 5);
      axis.span(0, 100);
      EXPECT_LT(axis.low(), axis.high());
      for (double value : {low, high}) {
        EXPECT_GE(axis.place(value), 0);
        EXPECT_LE(axis.place(value), 100);
      }
      EXPECT_GE(axis.ticks().size(), 2U);
      EXPECT_LT(axis.ticks().size(), 20U);
      EXPECT_FALSE(Axis::linear(low, std::nan(""), 5).ticks().empty());
    }
  }
}

TEST(Axis, PlacesByLogarithm) {
  Axis axis = Axis::logarithmic(1, 100);
  axis.span(0, 200);
  EXPECT_DOUBLE_EQ(axis.place(10), 100);
}

TEST(Bins, CountEveryFiniteValue) {
  std::vector<float> values(1000, 1.0F);
  values[0] = 50;
  values[1] = std::numeric_limits<float>::quiet_NaN();
  values[2] = std::numeric_limits<float>::infinity();
  for (int i = 3; i < 500; ++i)
    values[static_cast<std::size_t>(i)] = 1 + static_cast<float>(i) / 500;
  const std::vector<Bin> bins = linear_bins(values);
  std::int64_t sum = 0;
  for (const Bin& bin : bins) sum += bin.count;
  EXPECT_EQ(sum, 998);
  EXPECT_LT(bins.size(), 100U);
  EXPECT_TRUE(linear_bins({}).empty());
  EXPECT_FALSE(linear_bins({3, 3, 3}).empty());
}

TEST(Bins, LogarithmicOnesHoldWholeNumbers) {
  LogBins bins;
  for (std::int64_t value = 0; value <= 1000; ++value) bins.add(value);
  EXPECT_EQ(bins.zeros(), 1);
  EXPECT_EQ(bins.total(), 1001);
  for (const Bin& bin : bins.bins()) {
    if (bin.high > 1000) continue;
    EXPECT_EQ(static_cast<double>(bin.count), bin.high - bin.low) << bin.low;
  }
  EXPECT_TRUE(LogBins().bins().empty());
}

TEST(ItemMap, ASingleItemHasItsPlace) {
  const std::string svg = item_map("map", {}, {{"<only>", 0, 0, 0}});
  EXPECT_NE(svg.find("&#60;only&#62;"), std::string::npos);
  EXPECT_EQ(svg.find("nan"), std::string::npos);
}

}  // namespace
}  // namespace als
