// Vectors that begin at a cache line.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

#include "core/base/uninitialized_vector.h"

namespace als {

/// Allocates at cache-line boundaries, so that vector loads of a row never straddle two lines, and
/// leaves elements made without a value uninitialised.
template <class T>
struct AlignedAllocator : DefaultInitAllocator<T> {
  static constexpr std::size_t kAlignment = 64;
  AlignedAllocator() = default;
  template <class U>
  AlignedAllocator(const AlignedAllocator<U>&) {}  // NOLINT: converting, as allocators are
  T* allocate(std::size_t n) {
    return static_cast<T*>(::operator new (n * sizeof(T), std::align_val_t{kAlignment}));
  }
  void deallocate(T* p, std::size_t) { ::operator delete (p, std::align_val_t{kAlignment}); }
};

template <class T>
using AlignedVector = std::vector<T, AlignedAllocator<T>>;

}  // namespace als
