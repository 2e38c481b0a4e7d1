// What chunks say of a half-step of their users.
#pragma once

#include <cstdint>

#include "core/chunks/chunk.h"
#include "core/chunks/held_out.h"
#include "core/pieces/side_sums.h"
#include "core/pieces/step.h"

namespace als {

struct UserReport {
  std::uint64_t training = 0;  ///< its key
  std::uint64_t number = 0;    ///< of the step
  ChunkId first{};
  ChunkId last{};
  std::uint64_t users = 0;
  std::uint64_t ratings = 0;
  double fit = 0;
  double ridge = 0;
  double bias_ridge = 0;  ///< the biases' part of the ridge
  std::uint64_t refined_rows = 0;
  Judgement judgement;  ///< by the ratings kept out
  std::uint32_t factors = 0;
  bool implicit = false;
  SideSums sums;

  Bytes bytes() const;
  static UserReport read(ByteView& pieces);

  /// That of the chunks that come next.
  void add(const UserReport& other);
};

}  // namespace als
