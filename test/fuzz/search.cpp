// libFuzzer: the searches for the best rows against all scores, on models of any numbers.
#include <fuzzer/FuzzedDataProvider.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "check.h"
#include "core/base/bitmap.h"
#include "core/kernels/simd_level.h"
#include "core/linalg/products.h"
#include "core/search/cosine_search.h"
#include "core/search/top_k_search.h"

namespace {

/// Ordinary numbers, and those at which bounds could be wrong.
float any_number(FuzzedDataProvider& from) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  static const float odd[] = {0,          -0.0F,
                              1,          1 + 1e-7F,
                              -1,         1e-45F,
                              1e-30F,     -1e-12F,
                              1e15F,      3e38F,
                              -3e38F,     kInfinity,
                              -kInfinity, std::numeric_limits<float>::quiet_NaN()};
  const auto kind = from.ConsumeIntegral<std::uint8_t>();
  if (kind < std::size(odd)) return odd[kind];
  if (kind < 32) {
    const auto bits = from.ConsumeIntegral<std::uint32_t>();
    float value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
  }
  return (static_cast<float>(kind) - 144.0F) / 64.0F;
}

void same(const std::vector<als::ScoredItem>& found, const std::vector<als::ScoredItem>& expected) {
  check(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i)
    check(found[i].item == expected[i].item && found[i].score == expected[i].score);
}

std::vector<als::ScoredItem> best_of(const std::vector<float>& scores, std::size_t k,
                                     const als::Bitmap* excluded) {
  als::TopK top(k);
  for (std::uint32_t i = 0; i < scores.size(); ++i)
    if (excluded == nullptr || !(*excluded)[i]) top.offer(i, scores[i]);
  return top.take();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  FuzzedDataProvider from(data, size);
  const auto levels = als::available_simd_levels();
  als::set_simd_level(from.PickValueInArray({levels.front(), levels.back()}));
  const auto factors = from.ConsumeIntegralInRange<std::size_t>(1, 70);
  const auto n = from.ConsumeIntegralInRange<std::size_t>(1, 300);
  const auto k = from.ConsumeIntegralInRange<std::size_t>(0, 20);
  const bool has_bias = from.ConsumeBool();
  const bool excludes = from.ConsumeBool();
  const float base = any_number(from);
  std::vector<float> query(factors);
  for (float& value : query) value = any_number(from);
  als::FactorMatrix rows(n, factors);
  std::vector<float> bias(has_bias ? n : 0);
  als::Bitmap excluded(n);
  for (std::size_t row = 0; row < n; ++row) {
    // Where the input ends rows repeat: many are alike then.
    for (std::size_t c = 0; c < factors; ++c)
      rows.row(row)[c] =
          from.remaining_bytes() > 0 || row == 0 ? any_number(from) : rows.row(row / 2)[c];
    if (has_bias) bias[row] = any_number(from);
    if (excludes && row % 3 == 1) excluded.set(row);
  }
  const als::FactorView view = rows.view();
  const float* biases = has_bias ? bias.data() : nullptr;
  als::AlignedVector<char> image(als::TopKSearch::bytes(n, factors), '\xff');
  als::TopKSearch::build(view, biases, image.data(), [] {});
  als::AlignedVector<char> cosine_image(als::CosineSearch::bytes(n, factors), '\xff');
  als::CosineSearch::build(view, cosine_image.data(), [] {});
  // Images are used at other levels than those that they were built at.
  als::set_simd_level(from.PickValueInArray({levels.front(), levels.back()}));
  std::vector<float> scores(n);
  als::score_all(view, biases, base, query.data(), scores.data());
  std::vector<float> cosines;
  for (std::size_t row = 0; row < n; ++row)
    cosines.push_back(als::cosine(query.data(), rows.row(row), factors));
  const als::Bitmap* left_out = excludes ? &excluded : nullptr;
  same(als::TopKSearch(image.data(), view, biases).best(query.data(), base, k, left_out),
       best_of(scores, k, left_out));
  same(als::CosineSearch(cosine_image.data(), view).best(query.data(), k, left_out),
       best_of(cosines, k, left_out));
  return 0;
}
