// Where many scores lie. Included by avx2.cpp, avx512.cpp and baseline.cpp, which define
// add_if_above(), add_if_not_below() and store_chosen().

// Adds the numbers of scores to those of kRanges ranges.
template <int kRanges>
ALS_INLINE void count_in_ranges(const float* scores, std::size_t count, const ScoreRange* ranges,
                                std::uint32_t* above, std::uint32_t* not_under) {
  IntVector sums[2][kRanges] = {};
  for (std::size_t at = 0; at < count; at += kLanes) {
    const Vector score = load<Vector>(scores + at);
    ALS_UNROLL for (int r = 0; r < kRanges; ++r) {
      sums[0][r] = add_if_above(sums[0][r], score, splat<Vector>(ranges[r].high));
      sums[1][r] = add_if_not_below(sums[1][r], score, splat<Vector>(ranges[r].low));
    }
  }
  for (int r = 0; r < kRanges; ++r) {
    for (int lane = 0; lane < kLanes; ++lane) {
      above[r] += static_cast<std::uint32_t>(sums[0][r][lane]);
      not_under[r] += static_cast<std::uint32_t>(sums[1][r][lane]);
    }
  }
}

// Copies the scores that are not below a limit to `kept`, which may be their own place, and
// -infinity behind them, to the end of a vector. Returns their number.
ALS_INLINE std::size_t keep_not_below(const float* scores, std::size_t count, float limit,
                                      float* kept) {
  std::size_t n = 0;
  for (std::size_t at = 0; at < count; at += kLanes) {
    const Vector score = load<Vector>(scores + at);
    n += store_chosen(kept + n, score, not_below(score, splat<Vector>(limit)));
  }
  store(kept + n, splat<Vector>(-__builtin_inff()));
  return n;
}

// What is below a range is below all that come later: only the others are looked at again, which
// are few before long, as ranges are mostly those of good scores.
void count_scores(const float* scores, std::size_t count, const ScoreRange* ranges,
                  std::size_t range_count, float* kept, std::uint32_t* above,
                  std::uint32_t* not_under) {
  constexpr std::size_t kAtOnce = 3;
  std::size_t r = 0;
  for (; r + kAtOnce <= range_count; r += kAtOnce) {
    if (range_count > kAtOnce) {
      count = keep_not_below(scores, count, ranges[r].low, kept);
      scores = kept;
    }
    count_in_ranges<kAtOnce>(scores, count, ranges + r, above + r, not_under + r);
  }
  for (; r < range_count; ++r) {
    count_in_ranges<1>(scores, count, ranges + r, above + r, not_under + r);
  }
}

std::size_t find_in_range(const float* scores, std::size_t count, const ScoreRange& range,
                          std::uint32_t* found) {
  std::size_t n = 0;
  for (std::size_t at = 0; at < count; at += kLanes) {
    const Vector score = load<Vector>(scores + at);
    std::uint32_t left =
        not_below(score, splat<Vector>(range.low)) & not_below(splat<Vector>(range.high), score);
    for (; left != 0; left &= left - 1) {
      const std::size_t position = at + static_cast<unsigned>(__builtin_ctz(left));
      if (position < count) found[n++] = static_cast<std::uint32_t>(position);
    }
  }
  return n;
}
