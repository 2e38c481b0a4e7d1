// Sums up the hashes of a row's ratings.
#include "core/data/row_checksum.h"

#include <cstring>

#include "core/base/splitmix.h"

namespace als {

namespace {

std::uint64_t hash_of(std::uint64_t key, float number) {
  const float value = number + 0.0F;  // -0 is 0
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return splitmix(key + kSplitmixStep * (std::uint64_t{bits} + 1));
}

}  // namespace

std::uint64_t rating_checksum(std::uint64_t key, float rating, float weight) {
  const std::uint64_t hash = hash_of(key, rating);
  return weight == 1 ? hash : hash_of(hash, weight);
}

std::vector<std::uint64_t> row_checksums(const CompressedRows& rows,
                                         const std::vector<std::uint64_t>& keys, ThreadTeam& team) {
  constexpr std::size_t kRowsPerBlock = 4096;
  std::vector<std::uint64_t> sums(rows.rows());
  team.for_each_block(rows.rows(), kRowsPerBlock, [&](std::size_t begin, std::size_t end, int) {
    for (std::size_t r = begin; r < end; ++r)
      for (std::uint64_t e = rows.offsets[r]; e < rows.offsets[r + 1]; ++e)
        sums[r] += rating_checksum(keys[rows.columns[e]], rows.values[e], rows.weight(e));
  });
  return sums;
}

}  // namespace als
