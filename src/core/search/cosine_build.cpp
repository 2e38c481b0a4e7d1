// The image of a CosineSearch.

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/kernels/kernels.h"
#include "core/linalg/gram.h"
#include "core/linalg/products.h"
#include "core/search/bound_rotation.h"
#include "core/search/cosine_layout.h"
#include "core/search/cosine_search.h"

namespace als {
namespace {

using Poll = std::function<void()>;

constexpr std::size_t kRowsPerPoll = 4096;

// Rows that the rotation is made of, at most, and those that say by which component to part some.
constexpr std::size_t kSampledRows = std::size_t{1} << 16;
constexpr std::size_t kSampledPerPart = 256;

// Components that blocks may differ in. There are not enough blocks for more.
constexpr std::size_t kAxes = 4;

/// Rotates the directions of rows, 16 at a time.
class DirectionBlock {
 public:
  DirectionBlock(const FactorView& rows, const float* rotation)
      : rows_(rows), rotation_(rotation), directions_(kBlock * rows.stride) {}

  /// Of `count` rows, at most 16; zeros for the others.
  void read(const std::uint32_t* order, std::size_t count) {
    std::fill(directions_.begin(), directions_.end(), 0.0F);
    for (std::size_t lane = 0; lane < count; ++lane) {
      const float* row = rows_.row(order[lane]);
      write_direction(row, rows_.cols, dot_in_double(row, row, rows_.cols),
                      directions_.data() + lane * rows_.stride);
    }
    kernels().transform(directions_.data(), kBlock, rows_.stride, rows_.cols, rotation_);
  }

  const float* row(std::size_t lane) const { return directions_.data() + lane * rows_.stride; }

 private:
  const FactorView& rows_;
  const float* rotation_;
  AlignedVector<float> directions_;
};

AlignedVector<float> direction_axes(const FactorView& rows, ThreadTeam& team) {
  const std::size_t step = rows.rows / kSampledRows + 1;
  FactorMatrix sample((rows.rows + step - 1) / step, rows.cols);
  for (std::size_t s = 0; s < sample.rows(); ++s) {
    const float* row = rows.row(s * step);
    write_direction(row, rows.cols, dot_in_double(row, row, rows.cols), sample.row(s));
  }
  return bound_rotation(gram_of(sample.view(), team).matrix(), rows.cols, team);
}

/// What rows are parted by: the first components of each.
struct Axes {
  float values[kAxes];
};

/// Puts rows that are alike side by side.
class Parter {
 public:
  Parter(const std::vector<Axes>& axes, std::uint32_t* order, const Poll& poll)
      : axes_(axes), order_(order), poll_(poll) {}

  /// Of rows [begin, end) in the order. All blocks but the last of all are to be full.
  void part(std::size_t begin, std::size_t end) {
    if (end - begin <= kBlock) return;
    if (end - begin > kRowsPerPoll) poll_();
    const std::size_t axis = widest_axis(begin, end);
    const std::size_t middle = begin + blocks_of(end - begin) / 2 * kBlock;
    std::nth_element(order_ + begin, order_ + middle, order_ + end,
                     [&](std::uint32_t a, std::uint32_t b) {
                       const float x = axes_[a].values[axis];
                       const float y = axes_[b].values[axis];
                       return x < y || (x == y && a < b);
                     });
    part(begin, middle);
    part(middle, end);
  }

 private:
  /// The component with the largest variance.
  std::size_t widest_axis(std::size_t begin, std::size_t end) const {
    const std::size_t step = (end - begin) / kSampledPerPart + 1;
    std::size_t widest = 0;
    double most = -1;
    for (std::size_t axis = 0; axis < kAxes; ++axis) {
      double sum = 0;
      double squares = 0;
      double count = 0;
      for (std::size_t n = begin; n < end; n += step, ++count) {
        const double value = axes_[order_[n]].values[axis];
        sum += value;
        squares += value * value;
      }
      const double variance = squares - sum * sum / count;
      if (variance > most) {
        most = variance;
        widest = axis;
      }
    }
    return widest;
  }

  const std::vector<Axes>& axes_;
  std::uint32_t* order_;
  const Poll& poll_;
};

/// Components [first, first + kComponents) of a direction in codes, and the norm of those beyond,
/// from above. Returns the norm of what the former are off by.
template <std::size_t kComponents>
float write_codes(const float* direction, std::size_t n, std::size_t first, float unit,
                  std::size_t lane, CosineCodes<kComponents + 1>& codes) {
  double square = 0;
  for (std::size_t k = 0; k < kComponents; ++k) {
    const float component = first + k < n ? direction[first + k] : 0.0F;
    codes.at(lane, k) = static_cast<std::int8_t>(std::lrint(component / unit));
    const double error = component - static_cast<double>(unit) * codes.at(lane, k);
    square += error * error;
  }
  const float rest = norm_above(direction, first + kComponents, n);
  codes.at(lane, kComponents) = static_cast<std::int8_t>(std::ceil(rest / unit * (1 + 4 * kUnit)));
  return rounded_up(std::sqrt(square));
}

/// The suffixes of a block of directions.
void write_suffixes(const DirectionBlock& directions, std::size_t n, CosineSuffixes& suffixes) {
  float largest = kMinNorm;
  for (std::size_t lane = 0; lane < kBlock; ++lane) {
    const float* direction = directions.row(lane);
    for (std::size_t k = kCosinePrefix; k < std::min(kCosinePrefix + kCosineSuffix, n); ++k)
      largest = std::max(largest, std::fabs(direction[k]));
    largest = std::max(largest, norm_above(direction, kCosinePrefix + kCosineSuffix, n));
  }
  suffixes.scale = largest / kLargestCode;
  suffixes.error = 0;
  for (std::size_t lane = 0; lane < kBlock; ++lane) {
    suffixes.error =
        std::max(suffixes.error, write_codes<kCosineSuffix>(directions.row(lane), n, kCosinePrefix,
                                                            suffixes.scale, lane, suffixes.codes));
  }
}

/// The largest codes of a block, and the smallest, as rows of others.
void write_range(CosinePrefixes& block, std::size_t count, std::size_t lane,
                 CosinePrefixes& largest, CosinePrefixes& smallest) {
  for (std::size_t k = 0; k <= kCosinePrefix; ++k) {
    std::int8_t& high = largest.at(lane, k);
    std::int8_t& low = smallest.at(lane, k);
    high = low = block.at(0, k);
    for (std::size_t row = 1; row < count; ++row) {
      high = std::max(high, block.at(row, k));
      low = std::min(low, block.at(row, k));
    }
  }
}

}  // namespace

void CosineSearch::build(const FactorView& rows, void* image, const Poll& poll) {
  const CosineLayout layout(rows.rows, rows.cols);
  auto* header = part_of<CosineHeader>(image, layout.header);
  auto* rotation = part_of<float>(image, layout.rotation);
  auto* largest = part_of<CosinePrefixes>(image, layout.largest);
  auto* smallest = part_of<CosinePrefixes>(image, layout.smallest);
  auto* prefixes = part_of<CosinePrefixes>(image, layout.prefixes);
  auto* suffixes = part_of<CosineSuffixes>(image, layout.suffixes);
  auto* order = part_of<std::uint32_t>(image, layout.order);

  ThreadTeam alone(
      1, [] { return true; }, poll);
  const AlignedVector<float> axes_of_all = direction_axes(rows, alone);
  std::copy(axes_of_all.begin(), axes_of_all.end(), rotation);

  const auto rows_of = [&](std::size_t block) {
    return std::min(kBlock, rows.rows - block * kBlock);
  };
  const auto for_each_block = [&](const auto& body) {
    for (std::size_t b = 0; b < layout.block_count; ++b) {
      if (b % (kRowsPerPoll / kBlock) == 0) poll();
      body(b);
    }
  };
  DirectionBlock directions(rows, rotation);
  std::vector<Axes> axes(rows.rows);
  for (std::size_t n = 0; n < layout.block_count * kBlock; ++n)
    order[n] = n < rows.rows ? static_cast<std::uint32_t>(n) : 0;
  for_each_block([&](std::size_t b) {
    directions.read(order + b * kBlock, rows_of(b));
    for (std::size_t lane = 0; lane < rows_of(b); ++lane)
      std::copy_n(directions.row(lane), kAxes, axes[b * kBlock + lane].values);
  });
  Parter(axes, order, poll).part(0, rows.rows);

  header->prefix_error = 0;
  std::fill_n(largest, blocks_of(layout.block_count), CosinePrefixes{});
  std::fill_n(smallest, blocks_of(layout.block_count), CosinePrefixes{});
  for_each_block([&](std::size_t b) {
    directions.read(order + b * kBlock, rows_of(b));
    for (std::size_t lane = 0; lane < kBlock; ++lane) {
      header->prefix_error = std::max(
          header->prefix_error, write_codes<kCosinePrefix>(directions.row(lane), rows.stride, 0,
                                                           kPrefixUnit, lane, prefixes[b]));
    }
    write_suffixes(directions, rows.stride, suffixes[b]);
    write_range(prefixes[b], rows_of(b), b % kBlock, largest[b / kBlock], smallest[b / kBlock]);
  });
}

}  // namespace als
