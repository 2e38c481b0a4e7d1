// A vector whose new elements have no value yet.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace als {

/// Leaves elements made without arguments uninitialised. Gigabytes of zeros that are overwritten
/// anyway would be written by one thread, which could not be interrupted meanwhile.
template <class T>
struct DefaultInitAllocator {
  using value_type = T;
  DefaultInitAllocator() = default;
  template <class U>
  DefaultInitAllocator(const DefaultInitAllocator<U>&) {}  // NOLINT: converting, as allocators are
  T* allocate(std::size_t n) { return std::allocator<T>().allocate(n); }
  void deallocate(T* p, std::size_t n) { std::allocator<T>().deallocate(p, n); }
  template <class U>
  void construct(U* p) {
    ::new (static_cast<void*>(p)) U;
  }
  template <class U, class... Args>
  void construct(U* p, Args&&... args) {
    ::new (static_cast<void*>(p)) U(std::forward<Args>(args)...);
  }
  template <class U>
  bool operator==(const DefaultInitAllocator<U>&) const {
    return true;
  }
  template <class U>
  bool operator!=(const DefaultInitAllocator<U>&) const {
    return false;
  }
};

template <class T>
using UninitializedVector = std::vector<T, DefaultInitAllocator<T>>;

}  // namespace als
