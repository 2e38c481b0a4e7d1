// Running a test at every level of vector instructions that the machine has.
#pragma once

#include <gtest/gtest.h>

#include <functional>

#include "core/kernels/simd_level.h"

namespace als {

inline void at_every_level(const std::function<void()>& test) {
  const SimdLevel before = simd_level();
  for (const SimdLevel level : available_simd_levels()) {
    SCOPED_TRACE(simd_level_name(level));
    ASSERT_TRUE(set_simd_level(level));
    test();
  }
  set_simd_level(before);
}

}  // namespace als
