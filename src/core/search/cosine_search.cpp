// The search for directions, and why its bounds hold.
#include "core/search/cosine_search.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/uninitialized_vector.h"
#include "core/kernels/kernels.h"
#include "core/linalg/products.h"
#include "core/search/cosine_layout.h"

// The bounds. x and y are directions, x the query's; p and q what the rotation makes of them as it
// was computed; p1 and q1 their first components, the axes, p2 and q2 all others; a prime marks
// what codes stand for. Then
//
//   cosine(x, y)  <=  p1'.q1' + |p2| |q2| + slack
//   cosine(x, y)  <=  p1'.q1' + p2.q2' + |p2| |q2 - q2'| + slack.
//
// Of no row of a block is the first line larger than
//
//   sum over the codes of  max(p', 0) * (the largest q') + min(p', 0) * (the smallest q'),
//
// the norms being taken for one more code. In the second line, with s the scale of a row, h the
// half steps, and d the digits, the first of which have m = 0 and each later ones one more,
//
//   p2.q2'  =  sum over k and m of  p_k s h_k 4^-m (2 d_km - 3)
//          <=  sum over m of  s 4^-m ( sum over k of  w_k t (2 d_km - 3)  +  3 sum over k of |p_k
//          h_k - w_k t| ),
//
// where w_k is p_k h_k in 8 bits and t what a 1 stands for in them: sums of integers but for two
// factors.
//
// The slack is that of top_k_search.cpp, which covers the axes and norms in integers, and what the
// operations of the second line are off by: directions are no longer than 1. The cosine itself and
// a direction are rounded once each.
//
// Why digits: where the spectrum is flat, many components known roughly say more than some known
// well. Of a million trained items 2 bits for each of 60 components leave 1 to 2 rows of 100 of
// those in the blocks, the first 15 components in 8 bits each 5 to 14.

namespace als {
namespace {

// Operations of the second line, none of which has operands larger than 8: three digits, some ten
// each.
constexpr float kDigitSlack = 8 * 64 * kUnit;

// The first blocks that are looked at: of so many parts, of so many blocks at least, the best in
// each of 16 places.
constexpr std::size_t kSeedParts = 32;
constexpr std::size_t kSeedPartBlocks = 512;

// A bound is high beyond this share of the way from what is needed to the highest.
constexpr float kHigh = 0.7F;

// The bound of a block that has been looked at.
constexpr std::int32_t kSeen = std::numeric_limits<std::int32_t>::min();

/// Of a search, whole groups of blocks.
struct Scratch {
  UninitializedVector<std::int32_t> bounds;
  UninitializedVector<std::uint32_t> blocks;
};

/// Kept by the thread from search to search, as is: the system takes a sixth of the time of one
/// among a million rows to hand out fresh memory. Never destroyed.
Scratch& scratch_for(std::size_t blocks) {
  thread_local auto* kept = new Scratch;
  kept->bounds.resize(blocks);
  kept->blocks.resize(blocks);
  return *kept;
}

/// Collects the blocks with at least this bound, in order; returns how many there are.
std::size_t collect(Scratch& scratch, std::int32_t least) {
  const std::int32_t* bounds = scratch.bounds.data();
  std::uint32_t* blocks = scratch.blocks.data();
  std::size_t count = 0;
  for (std::size_t group = 0; group < scratch.bounds.size(); group += kBlock) {
    // Most groups have none, which takes few instructions to see.
    std::int32_t most = kSeen;
    for (std::size_t b = group; b < group + kBlock; ++b) most = std::max(most, bounds[b]);
    if (most < least) continue;
    for (std::size_t b = group; b < group + kBlock; ++b) {
      blocks[count] = static_cast<std::uint32_t>(b);
      count += bounds[b] >= least ? 1 : 0;
    }
  }
  return count;
}

/// Bounds all blocks, and begins `scratch.blocks` with the best of each part, by their bounds: a
/// search that knew nothing would look closely at many rows before it had seen good ones. Returns
/// how many there are.
std::size_t bound_and_pick(const CosineRows& rows, const CosineQuery& query, Scratch& scratch) {
  std::int32_t* bounds = scratch.bounds.data();
  std::uint32_t* blocks = scratch.blocks.data();
  const std::size_t part =
      std::max(blocks_of(rows.block_count / kSeedParts + 1) * kBlock, kSeedPartBlocks);
  std::size_t count = 0;
  for (std::size_t begin = 0; begin < rows.block_count; begin += part) {
    const std::size_t end = std::min(begin + part, rows.block_count);
    std::int32_t promising[kBlock];
    kernels().bound_cosine_blocks(rows, query, begin, end, bounds, promising);
    for (std::size_t place = 0; place < kBlock && begin + place < end; ++place) {
      const auto block = static_cast<std::uint32_t>(promising[place] + static_cast<int>(place));
      if (block < rows.block_count) blocks[count++] = block;
    }
  }
  std::sort(blocks, blocks + count,
            [&](std::uint32_t a, std::uint32_t b) { return bounds[a] > bounds[b]; });
  return count;
}

/// What a query makes of digits. `n` components, with those that rows are padded with.
void prepare_digits(const CosineHeader& header, const float* rotated, std::size_t n,
                    CosineQuery& query) {
  const std::size_t count = std::min(kCosineDigits, n - kCosineAxes);
  float products[kCosineDigits] = {};
  float largest = kMinNorm;
  for (std::size_t k = 0; k < count; ++k) {
    products[k] = header.half_steps[k] * rotated[kCosineAxes + k];
    largest = std::max(largest, std::fabs(products[k]));
  }
  const float unit = largest / 127;
  int sum = 0;
  double error = 0;
  for (std::size_t k = 0; k < kCosineDigits; ++k) {
    const auto weight = static_cast<std::int8_t>(std::lrint(products[k] / unit));
    query.digits[k / 16][k / 4 % 4][k % 4] = weight;
    sum += weight;
    error += std::fabs(products[k] - static_cast<double>(unit) * weight);
  }
  query.digit_scale = 2 * unit * header.scale_unit;
  query.digit_origin =
      header.scale_unit * (rounded_up(3 * error) - 3 * unit * static_cast<float>(sum));
  query.error_scale = kErrorUnit * norm_above(rotated, kCosineAxes, n);
}

}  // namespace

std::size_t CosineSearch::bytes(std::size_t rows, std::size_t factors) {
  return CosineLayout(rows, factors).places.size;
}

CosineSearch::CosineSearch(const void* image, const FactorView& rows) {
  const CosineLayout layout(rows.rows, rows.cols);
  header_ = part_of<CosineHeader>(image, layout.header);
  rotation_ = part_of<float>(image, layout.rotation);
  ordered_ = {rows, part_of<std::uint32_t>(image, layout.order)};
  prepared_ = {part_of<CosineRanges>(image, layout.ranges),
               part_of<CosineBlock>(image, layout.blocks),
               {part_of<CosineDigits>(image, layout.digits[0]),
                part_of<CosineDigits>(image, layout.digits[1])},
               layout.block_count};
}

CosineQuery CosineSearch::prepare(const float* query, double square) const {
  const FactorView& rows = ordered_.rows;
  alignas(64) float rotated[kMaxFactors] = {};
  write_direction(query, rows.cols, square, rotated);
  kernels().transform(rotated, 1, rows.stride, rows.cols, rotation_);

  const std::size_t n = rows.stride;
  CosineQuery prepared{};
  round_components(rotated, n, 0, kCosineAxes, kIntegerNorm, prepared.axes);
  for (std::size_t k = 0; k < kCosineAxes; ++k) {
    prepared.above_zero[k] = std::max<std::int16_t>(prepared.axes[k], 0);
    prepared.below_zero[k] = std::min<std::int16_t>(prepared.axes[k], 0);
  }
  prepared.above_zero[kCosineAxes] = norm_code(norm_above(rotated, kCosineAxes, n));
  prepared.axis_scale = 1 / (kIntegerNorm * kIntegerNorm);
  prepare_digits(*header_, rotated, n, prepared);
  prepared.slack = slack_of(rows.cols) + kDigitSlack;
  return prepared;
}

std::vector<ScoredItem> CosineSearch::best(const float* query, std::size_t k,
                                           const Bitmap* excluded) const {
  if (k == 0) return {};
  const Kernels& current = kernels();
  const FactorView& rows = ordered_.rows;
  const double square = dot_in_double(query, query, rows.cols);
  const auto score = [&](std::uint32_t row) {
    double product;
    double row_square;
    current.cosine_products(query, rows.row(row), rows.cols, &product, &row_square);
    return cosine(product, square, row_square);
  };
  const CosineQuery prepared = prepare(query, square);
  Scratch& scratch = scratch_for(blocks_of(prepared_.block_count) * kBlock);
  std::int32_t* bounds = scratch.bounds.data();
  const std::uint32_t* blocks = scratch.blocks.data();
  std::size_t count = bound_and_pick(prepared_, prepared, scratch);
  const std::int32_t highest = count > 0 ? bounds[blocks[0]] : 0;

  TopK top(k);
  const bool is_finite = std::isfinite(square);
  const auto least = [&] {
    return is_finite ? top.least() : -std::numeric_limits<float>::infinity();
  };
  const auto look_at_blocks = [&] {
    offer_found(
        ordered_, excluded, top,
        [&](FoundRows* found) {
          current.find_cosines(prepared_, prepared, blocks, count, least(), found);
        },
        score);
  };
  look_at_blocks();

  // Then those that the best of these rows do not rule out, in the order in which they lie in
  // memory. Of them the few with high bounds come first, which rule out more of the others.
  std::fill(bounds + prepared_.block_count, bounds + scratch.bounds.size(), kSeen);
  const auto look_at_others = [&](std::int32_t from) {
    for (std::size_t n = 0; n < count; ++n) bounds[blocks[n]] = kSeen;
    count = collect(scratch, from);
    look_at_blocks();
  };
  const std::int32_t needed = least_product(prepared, least());
  look_at_others(needed + static_cast<std::int32_t>(kHigh * (1.0F * highest - needed)));
  look_at_others(least_product(prepared, least()));
  return top.take();
}

}  // namespace als
