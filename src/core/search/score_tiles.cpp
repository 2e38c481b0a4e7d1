// Vectors in integers, and how far their products can be from the scores.
#include "core/search/score_tiles.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/kernels/kernels.h"
#include "core/linalg/products.h"
#include "core/search/search_layout.h"

// The margin. x is the query, y an item; x' and y' are what their codes stand for, which is known
// exactly, and so are |x - x'| and |y - y'|. From x.y = (x' + x - x').(y' + y - y') follows
//
//   |x.y - x'.y'|  <=  (|x| + |x - x'|) |y - y'| + |x - x'| |y|.
//
// x'.y' is a sum of integers, which is exact: neither vector is longer than kCodeNorm in integers,
// so that it fits 32 bits. What else is rounded, in units of u = 2^-24 times what is rounded:
//
//   (n + 2) |x| |y|         the product that the score is made of, of n components in any order;
//   3 |x'| |y'|             the scales of both, their product, the integer as a number;
//   1 (|base + bias| + |x| |y|)  adding base + bias, once in the score and once here, and comparing
//                           with a limit less the margin: 3 times.
//
// kRoundings of each cover that, and the margin's own operations.

namespace als {
namespace {

constexpr float kRoundings = 16.0F;

// 46340^2 < 2^31; the difference is for the rounding of up to 1024 components.
constexpr float kCodeNorm = 46300.0F;
constexpr float kLargestCode = 32760.0F;

constexpr std::size_t kGrainOperations = std::size_t{1} << 20;

float largest_component(const float* v, std::size_t n) {
  float largest = 0;
  for (std::size_t k = 0; k < n; ++k) largest = std::max(largest, std::fabs(v[k]));
  return largest;
}

/// The scale at which a vector fits the codes.
float scale_of(const float* v, std::size_t n, float norm) {
  return std::max(norm / kCodeNorm, largest_component(v, n) / kLargestCode);
}

/// Codes every second one of which stands `step` pairs further on. Returns |v - v'| from above.
float write_codes(const float* v, std::size_t n, float scale, std::size_t step,
                  std::int16_t* codes) {
  const float inverse = 1 / scale;
  double square = 0;
  for (std::size_t k = 0; k < n; ++k) {
    const auto code = static_cast<std::int16_t>(std::lrint(v[k] * inverse));
    const double error = v[k] - static_cast<double>(scale) * code;
    square += error * error;
    codes[k / 2 * step + k % 2] = code;
  }
  return rounded_up(std::sqrt(square));
}

/// What holds for each item of two.
TileBound bound_of(const TileBound& a, const TileBound& b) {
  return {std::max(a.scale, b.scale), std::max(a.error, b.error), std::max(a.norm, b.norm),
          std::max(a.best_bias, b.best_bias), std::max(a.bias_magnitude, b.bias_magnitude)};
}

}  // namespace

ScoreTiles::ScoreTiles(const BiasedView& items, const Bitmap* excluded, ThreadTeam& team)
    : items_(items), norms_(items.vectors.rows) {
  sort_items(excluded, team);
  const std::size_t pairs = (items.vectors.cols + 1) / 2;
  bounds_.resize((order_.size() + kTileItems - 1) / kTileItems);
  biases_.resize(bounds_.size() * kTileItems);
  codes_.resize(bounds_.size() * kTileItems * pairs * 2);
  coded_ = {codes_.data(), biases_.data(), bounds_.data(), pairs};
  team.for_each_block(bounds_.size(), kGrainOperations / (kTileItems * (2 * pairs + 1)) + 1,
                      [&](std::size_t begin, std::size_t end, int) {
                        for (std::size_t tile = begin; tile < end; ++tile) code(tile);
                      });
  bounds_from_ = bounds_;
  for (std::size_t tile = bounds_.size(); tile-- > 1;)
    bounds_from_[tile - 1] = bound_of(bounds_from_[tile - 1], bounds_from_[tile]);
}

std::size_t ScoreTiles::memory(std::size_t items, std::size_t factors) {
  const std::size_t tiles = (items + kTileItems - 1) / kTileItems;
  const std::size_t tile_item = sizeof(float) + (factors + 1) / 2 * 2 * sizeof(std::int16_t);
  return tiles * (2 * sizeof(TileBound) + kTileItems * tile_item) +
         items * (sizeof(float) + 2 * sizeof(std::uint32_t));
}

void ScoreTiles::sort_items(const Bitmap* excluded, ThreadTeam& team) {
  const FactorView& vectors = items_.vectors;
  team.for_each_block(vectors.rows, kGrainOperations / (vectors.cols + 1) + 1,
                      [&](std::size_t begin, std::size_t end, int) {
                        for (std::size_t item = begin; item < end; ++item)
                          norms_[item] = trusted_norm(vectors.row(item), vectors.cols);
                      });
  double squares = 0;
  for (std::uint32_t item = 0; item < vectors.rows; ++item) {
    if (excluded != nullptr && (*excluded)[item]) continue;
    const bool is_finite =
        std::isfinite(norms_[item]) && (items_.bias == nullptr || std::isfinite(items_.bias[item]));
    (is_finite ? order_ : untrusted_).push_back(item);
    if (is_finite) squares += static_cast<double>(norms_[item]) * norms_[item];
  }
  // What an item can score at most for a typical query: queries are about as long as items.
  const auto length = static_cast<float>(
      std::sqrt(squares / static_cast<double>(std::max<std::size_t>(order_.size(), 1))));
  std::vector<float> most(vectors.rows);
  for (const std::uint32_t item : order_)
    most[item] = length * norms_[item] + (items_.bias != nullptr ? items_.bias[item] : 0.0F);
  std::sort(order_.begin(), order_.end(), [&](std::uint32_t a, std::uint32_t b) {
    return most[a] > most[b] || (most[a] == most[b] && a < b);
  });
  places_.assign(vectors.rows, kNoPlace);
  for (std::uint32_t place = 0; place < order_.size(); ++place) places_[order_[place]] = place;
}

void ScoreTiles::code(std::size_t tile) {
  const std::size_t factors = items_.vectors.cols;
  const std::size_t first = tile * kTileItems;
  const std::size_t count = std::min(kTileItems, order_.size() - first);
  TileBound bound{0, 0, 0, -std::numeric_limits<float>::infinity(), 0};
  for (std::size_t n = 0; n < count; ++n) {
    const std::uint32_t item = order_[first + n];
    const float bias = items_.bias != nullptr ? items_.bias[item] : 0.0F;
    bound.scale = std::max(bound.scale, scale_of(items_.row(item), factors, norms_[item]));
    bound.norm = std::max(bound.norm, norms_[item]);
    bound.best_bias = std::max(bound.best_bias, bias);
    bound.bias_magnitude = std::max(bound.bias_magnitude, std::fabs(bias));
    biases_[first + n] = bias;
  }
  std::fill_n(biases_.begin() + static_cast<std::ptrdiff_t>(first + count), kTileItems - count,
              -std::numeric_limits<float>::infinity());
  std::int16_t* codes = codes_.data() + first * 2 * coded_.pairs;
  std::fill_n(codes, kTileItems * 2 * coded_.pairs, std::int16_t{0});
  for (std::size_t n = 0; n < count; ++n) {
    bound.error = std::max(bound.error, write_codes(items_.row(order_[first + n]), factors,
                                                    bound.scale, 2 * kTileItems, codes + 2 * n));
  }
  bounds_[tile] = bound;
}

void ScoreTiles::find(std::size_t begin, std::size_t end, const CodedQueries& queries,
                      const float* least, std::uint64_t* found) const {
  kernels().find_in_tiles(coded_, begin, end, queries.coded(), least, found);
}

void ScoreTiles::score(std::size_t begin, std::size_t end, const TileQueries& queries,
                       float* scores) const {
  kernels().score_tiles(coded_, begin, end, queries, scores);
}

float ScoreTiles::score(const float* query, float base, std::uint32_t item) const {
  const float product = dot(query, items_.row(item), items_.vectors.cols);
  return (items_.bias != nullptr ? base + items_.bias[item] : base) + product;
}

void ScoreTiles::fetch(std::uint32_t item) const {
  const float* row = items_.row(item);
  for (std::size_t k = 0; k < items_.vectors.stride; k += kBlock) __builtin_prefetch(row + k);
}

void CodedQueries::clear() {
  codes_.clear();
  queries_.clear();
}

bool CodedQueries::add(const float* query, float base) {
  const float norm = trusted_norm(query, factors_);
  if (!std::isfinite(norm) || !std::isfinite(base)) return false;
  TileQuery coded{};
  coded.scale = scale_of(query, factors_, norm);
  codes_.resize(codes_.size() + 2 * pairs_, 0);
  const float error =
      write_codes(query, factors_, coded.scale, 2, codes_.data() + codes_.size() - 2 * pairs_);
  constexpr float kOwn = 1 + kRoundings * kUnit;
  coded.base = base;
  coded.norm = norm;
  coded.error_weight = (norm + error) * kOwn;
  coded.norm_weight = (error + (static_cast<float>(factors_) + kRoundings) * kUnit * norm) * kOwn;
  coded.magnitude_weight = kRoundings * kUnit;
  coded.constant = kRoundings * kUnit * std::fabs(base);
  queries_.push_back(coded);
  return true;
}

void count_scores(const float* scores, std::size_t count, const std::vector<ScoreRange>& ranges,
                  float* kept, std::uint32_t* above, std::uint32_t* not_under) {
  kernels().count_scores(scores, count, ranges.data(), ranges.size(), kept, above, not_under);
}

std::size_t find_in_range(const float* scores, std::size_t count, const ScoreRange& range,
                          std::uint32_t* found) {
  return kernels().find_in_range(scores, count, range, found);
}

}  // namespace als
