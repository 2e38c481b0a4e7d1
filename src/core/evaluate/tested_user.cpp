// Lays a user out in bytes, and reads bytes without trust.
#include "core/evaluate/tested_user.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>

#include "core/evaluate/flat_lists.h"

namespace als {
namespace {

// "alst"; other bytes where they are in another order.
constexpr std::uint32_t kTestedMagic = 0x616c7374;

struct TestedHeader {
  std::uint32_t magic;
  std::uint32_t rows;
  std::uint32_t is_relevant;
  std::uint32_t is_known;
  std::uint32_t ratings_known;
  std::uint32_t all_items;
  float base;
  std::uint32_t factors;
  std::uint32_t items;
  std::uint32_t means;
  std::uint32_t relevant;
  std::uint32_t excluded;
  std::uint32_t candidates;

  std::size_t bytes() const {
    const auto words = [](std::uint32_t n) { return std::size_t{n} * sizeof(std::uint32_t); };
    return words(factors) + 2 * words(items) + 2 * words(means) + words(relevant) +
           words(excluded) + words(candidates);
  }
};

template <class T>
std::uint32_t size_of(const std::vector<T>& list) {
  return static_cast<std::uint32_t>(list.size());
}

bool are_finite(const std::vector<float>& numbers) {
  return std::all_of(numbers.begin(), numbers.end(), [](float x) { return std::isfinite(x); });
}

}  // namespace

std::string TestedUser::bytes() const {
  const TestedHeader header{kTestedMagic,
                            rows,
                            is_relevant,
                            is_known,
                            ratings_known,
                            all_items,
                            base,
                            size_of(vector),
                            size_of(items),
                            size_of(means),
                            size_of(relevant),
                            size_of(excluded),
                            size_of(candidates)};
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  bytes.reserve(sizeof header + header.bytes());
  put_list(vector, bytes);
  put_list(items, bytes);
  put_list(ratings, bytes);
  put_list(means, bytes);
  put_list(relevant, bytes);
  put_list(excluded, bytes);
  put_list(candidates, bytes);
  return bytes;
}

std::optional<TestedUser> TestedUser::of_bytes(std::string_view bytes, std::size_t n_items,
                                               std::size_t factors) {
  TestedHeader header;
  if (bytes.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof header);
  bytes.remove_prefix(sizeof header);
  if (header.magic != kTestedMagic || header.is_relevant > 1 || header.is_known > 1 ||
      header.all_items > 1 || !std::isfinite(header.base) ||
      header.factors != (header.is_known != 0 ? factors : 0) ||
      (header.means != 0 && header.means != header.items) || header.rows < header.items ||
      bytes.size() != header.bytes())
    return std::nullopt;
  TestedUser user;
  user.rows = header.rows;
  user.is_relevant = header.is_relevant;
  user.is_known = header.is_known;
  user.ratings_known = header.ratings_known;
  user.all_items = header.all_items;
  user.base = header.base;
  user.vector = take_list<float>(header.factors, bytes);
  user.items = take_list<std::uint32_t>(header.items, bytes);
  user.ratings = take_list<float>(header.items, bytes);
  user.means = take_list<double>(header.means, bytes);
  user.relevant = take_list<std::uint32_t>(header.relevant, bytes);
  user.excluded = take_list<std::uint32_t>(header.excluded, bytes);
  user.candidates = take_list<std::uint32_t>(header.candidates, bytes);
  const auto are_items = [&](const std::vector<std::uint32_t>& list) {
    return std::all_of(list.begin(), list.end(),
                       [&](std::uint32_t item) { return item < n_items; });
  };
  if (!are_finite(user.vector) || !are_finite(user.ratings) || !are_items(user.items) ||
      !std::is_sorted(user.items.begin(), user.items.end()) || !are_items(user.relevant) ||
      std::adjacent_find(user.relevant.begin(), user.relevant.end(),
                         std::greater_equal<std::uint32_t>()) != user.relevant.end() ||
      !are_items(user.excluded) || !are_items(user.candidates))
    return std::nullopt;
  return user;
}

}  // namespace als
