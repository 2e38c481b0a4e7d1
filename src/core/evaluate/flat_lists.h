// Lists of numbers among the bytes of something larger.
#pragma once

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace als {

template <class T>
void put_list(const std::vector<T>& values, std::string& bytes) {
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

/// The first n numbers, which are there.
template <class T>
std::vector<T> take_list(std::size_t n, std::string_view& bytes) {
  std::vector<T> values(n);
  if (n > 0) std::memcpy(values.data(), bytes.data(), n * sizeof(T));
  bytes.remove_prefix(n * sizeof(T));
  return values;
}

}  // namespace als
