// A set of row indexes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace als {

/// A bit for each of `size` indexes, all clear at first.
class Bitmap {
 public:
  explicit Bitmap(std::size_t size) : words_((size + 63) / 64, 0) {}
  void set(std::size_t i) { words_[i / 64] |= std::uint64_t{1} << i % 64; }
  void clear(std::size_t i) { words_[i / 64] &= ~(std::uint64_t{1} << i % 64); }
  void set_all() { std::fill(words_.begin(), words_.end(), ~std::uint64_t{0}); }
  bool operator[](std::size_t i) const { return (words_[i / 64] >> i % 64 & 1) != 0; }

  /// As many words of 64 bits as the size takes, the first bit the lowest of the first.
  std::vector<std::uint64_t>& words() { return words_; }

 private:
  std::vector<std::uint64_t> words_;
};

}  // namespace als
