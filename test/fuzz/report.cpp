// libFuzzer: a report of any texts and numbers is a page of plain ASCII, with no texts' own markup.
#include <fuzzer/FuzzedDataProvider.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "check.h"
#include "report/bins.h"
#include "report/report_data.h"

namespace {

double number(FuzzedDataProvider& from) {
  static const double odd[] = {0, -1, 1e-300, 1e300, -1e308, 5e-324};
  const auto kind = from.ConsumeIntegral<std::uint8_t>();
  return kind < std::size(odd) ? odd[kind]
         : kind < 64           ? from.ConsumeFloatingPoint<double>()
                               : kind - 128.0;
}

std::vector<double> numbers(FuzzedDataProvider& from) {
  std::vector<double> all(from.ConsumeIntegralInRange<std::size_t>(0, 8));
  for (double& value : all) value = number(from);
  return all;
}

/// With markup of its own, which must not get through.
std::string text(FuzzedDataProvider& from) {
  return from.ConsumeRandomLengthString(40) + (from.ConsumeBool() ? "<b onload='\"&" : "");
}

als::NamedItem item(FuzzedDataProvider& from) { return {text(from), text(from)}; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  FuzzedDataProvider from(bytes, size);
  als::ReportData data;
  data.model = text(from);
  for (const char* column : {"source", "feedback", "factors", "iterations", "n_users", "n_items",
                             "n_ratings", "trained_at", "duration", "mean"})
    if (from.ConsumeBool()) data.row.emplace_back(column, text(from));
  data.loss = numbers(from);
  data.holdout = numbers(from);
  data.test = text(from);
  std::vector<float> scores;
  while (from.remaining_bytes() > 0) {
    switch (from.ConsumeIntegralInRange<int>(0, 8)) {
      case 0:
        data.features.push_back({from.ConsumeBool() ? "item" : "user", text(from), text(from),
                                 text(from), text(from), text(from)});
        break;
      case 1:
        data.past_runs.push_back(
            {text(from), text(from), text(from), text(from), text(from), text(from), number(from)});
        break;
      case 2:
        data.metrics.push_back(
            {text(from),
             from.ConsumeBool() ? std::optional<int>(from.ConsumeIntegral<int>()) : std::nullopt,
             number(from), number(from), from.ConsumeIntegral<std::int64_t>()});
        break;
      case 3:
        data.by_activity.push_back(
            {from.ConsumeIntegral<std::int64_t>(),
             from.ConsumeIntegral<std::int64_t>(),
             {from.ConsumeBool() ? "ndcg" : text(from), 10, number(from), std::nullopt, 5}});
        break;
      case 4:
        data.ratings_per_user.add(from.ConsumeIntegralInRange<std::int64_t>(0, INT64_MAX));
        data.ratings_per_item.add(from.ConsumeIntegralInRange<std::int64_t>(0, 1000));
        break;
      case 5:
        scores.push_back(static_cast<float>(std::clamp(number(from), -3e38, 3e38)));
        break;
      case 6:
        data.map.push_back({text(from), number(from), number(from),
                            from.ConsumeIntegralInRange<std::int64_t>(0, INT64_MAX)});
        break;
      case 7:
        data.cards.push_back({item(from), from.ConsumeIntegral<std::int64_t>(), {}});
        break;
      default:
        if (!data.cards.empty())
          data.cards.back().neighbours.push_back({item(from), static_cast<float>(number(from))});
    }
  }
  data.scores = als::linear_bins(scores);
  data.items = from.ConsumeIntegral<std::int64_t>();
  const std::string page = als::report_page(data);
  check(std::all_of(page.begin(), page.end(), [](char c) {
    return std::strchr("\n\r\t", c) != nullptr || (c >= ' ' && c < 127);
  }));
  check(page.find("<b onload") == std::string::npos);
  return 0;
}
