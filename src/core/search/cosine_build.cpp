// The image of a CosineSearch.

#include <algorithm>
#include <cmath>
#include <numeric>
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

// Half the step between the levels of first digits, in standard deviations of a component. Of a
// normal distribution 0.5 would be best for these, and more for later ones, which reach as far.
constexpr float kHalfStep = 0.6F;

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
  float values[kCosineAxes];
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
    for (std::size_t axis = 0; axis < kCosineAxes; ++axis) {
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

/// The steps of digits, from sums of squares of the components of all directions.
CosineHeader header_of(const std::vector<double>& squares, std::size_t rows) {
  const std::size_t count = std::min(kCosineDigits, squares.size() - kCosineAxes);
  const double* of_digits = squares.data() + kCosineAxes;
  const double variance =
      std::accumulate(of_digits, of_digits + count, 0.0) / static_cast<double>(rows);
  // Where all are near zero, digits say nothing.
  if (!(variance > kMinNorm)) return {};
  CosineHeader header{};
  for (std::size_t k = 0; k < count; ++k) {
    const double deviation = std::sqrt(of_digits[k] / static_cast<double>(rows));
    header.half_steps[k] = kHalfStep * static_cast<float>(deviation);
  }
  // Of a vector whose length is 1, where those of typical ones are the deviation.
  header.scale_unit = static_cast<float>(1 / (255 * std::sqrt(variance)));
  return header;
}

void write_axes(const float* direction, std::size_t lane, CosineCodes<kCosineAxes>& codes) {
  for (std::size_t k = 0; k < kCosineAxes; ++k)
    codes.at(lane, k) = static_cast<std::int16_t>(std::lrint(direction[k] * kIntegerNorm));
}

std::uint8_t error_code(double square) {
  return static_cast<std::uint8_t>(std::ceil(std::sqrt(square) / kErrorUnit * (1 + 4 * kUnit)));
}

/// The digits of a direction's components. All numbers that three of them can stand for are odd
/// multiples of a sixteenth of the half step, from -63 to 63.
void write_digits(const CosineHeader& header, const float* direction, std::size_t n,
                  std::size_t lane, CosineBlock& block, CosineDigits& second, CosineDigits& third) {
  const float* v = direction + kCosineAxes;
  const std::size_t count = std::min(kCosineDigits, n - kCosineAxes);
  double square = 0;
  double step_square = 0;
  for (std::size_t k = 0; k < count; ++k) {
    square += static_cast<double>(v[k]) * v[k];
    step_square += static_cast<double>(header.half_steps[k]) * header.half_steps[k];
  }
  double rest = 0;
  for (std::size_t k = count; k < n - kCosineAxes; ++k) rest += static_cast<double>(v[k]) * v[k];
  std::uint8_t scale_code = 0;
  if (step_square > 0) {
    const double wanted = kHalfStep * std::sqrt(square / step_square) / header.scale_unit;
    scale_code = static_cast<std::uint8_t>(std::min(255L, std::lrint(wanted)));
  }
  const float scale = header.scale_unit * scale_code;
  double errors[3] = {rest, rest, rest};
  for (std::size_t k = 0; k < count; ++k) {
    const float unit = scale * header.half_steps[k] / 16;
    const float place = unit > 0 ? v[k] / (2 * unit) + 32 : 0;
    const int code = static_cast<int>(std::clamp(place, 0.0F, 63.0F));
    CosineDigits* digits[3] = {&block.digits, &second, &third};
    int known = 0;
    for (int d = 0; d < 3; ++d) {
      const int digit = code >> 2 * (2 - d) & 3;
      known += (2 * digit - 3) * (1 << 2 * (2 - d));
      const double error = v[k] - static_cast<double>(unit) * known;
      errors[d] += error * error;
      std::uint8_t& byte = digits[d]->codes[k / 16][lane][k % 4];
      byte = static_cast<std::uint8_t>(byte | digit << k / 4 % 4 * 2);
    }
  }
  // Of a few large components and many small ones they may say less than nothing does.
  const bool is_known = *std::max_element(errors, errors + 3) < square + rest;
  block.scales[lane] = is_known ? scale_code : 0;
  block.digits.errors[lane] = error_code(is_known ? errors[0] : square + rest);
  second.errors[lane] = error_code(is_known ? errors[1] : square + rest);
  third.errors[lane] = error_code(is_known ? errors[2] : square + rest);
}

/// What the first `count` rows of a block are between, as one of 16 blocks.
void write_range(const DirectionBlock& directions, std::size_t count, std::size_t n,
                 CosineCodes<kCosineAxes>& axes, std::size_t lane, CosineRanges& ranges) {
  float beyond = 0;
  for (std::size_t row = 0; row < count; ++row)
    beyond = std::max(beyond, norm_above(directions.row(row), kCosineAxes, n));
  ranges.largest.at(lane, kCosineAxes) = norm_code(beyond);
  for (std::size_t k = 0; k < kCosineAxes; ++k) {
    std::int16_t& high = ranges.largest.at(lane, k);
    std::int16_t& low = ranges.smallest.at(lane, k);
    high = low = axes.at(0, k);
    for (std::size_t row = 1; row < count; ++row) {
      high = std::max(high, axes.at(row, k));
      low = std::min(low, axes.at(row, k));
    }
  }
}

}  // namespace

void CosineSearch::build(const FactorView& rows, void* image, const Poll& poll) {
  const CosineLayout layout(rows.rows, rows.cols);
  auto* header = part_of<CosineHeader>(image, layout.header);
  auto* rotation = part_of<float>(image, layout.rotation);
  auto* ranges = part_of<CosineRanges>(image, layout.ranges);
  auto* blocks = part_of<CosineBlock>(image, layout.blocks);
  auto* second = part_of<CosineDigits>(image, layout.digits[0]);
  auto* third = part_of<CosineDigits>(image, layout.digits[1]);
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
  std::vector<double> squares(rows.stride);
  for (std::size_t n = 0; n < layout.block_count * kBlock; ++n)
    order[n] = n < rows.rows ? static_cast<std::uint32_t>(n) : 0;
  for_each_block([&](std::size_t b) {
    directions.read(order + b * kBlock, rows_of(b));
    for (std::size_t lane = 0; lane < rows_of(b); ++lane) {
      const float* direction = directions.row(lane);
      std::copy_n(direction, kCosineAxes, axes[b * kBlock + lane].values);
      for (std::size_t k = 0; k < rows.stride; ++k)
        squares[k] += static_cast<double>(direction[k]) * direction[k];
    }
  });
  Parter(axes, order, poll).part(0, rows.rows);

  *header = header_of(squares, rows.rows);
  std::fill_n(ranges, blocks_of(layout.block_count), CosineRanges{});
  for_each_block([&](std::size_t b) {
    directions.read(order + b * kBlock, rows_of(b));
    blocks[b] = CosineBlock{};
    second[b] = CosineDigits{};
    third[b] = CosineDigits{};
    for (std::size_t lane = 0; lane < kBlock; ++lane) {
      write_axes(directions.row(lane), lane, blocks[b].axes);
      write_digits(*header, directions.row(lane), rows.stride, lane, blocks[b], second[b],
                   third[b]);
    }
    write_range(directions, rows_of(b), rows.stride, blocks[b].axes, b % kBlock,
                ranges[b / kBlock]);
  });
}

}  // namespace als
