// Lays sums out in memory, adds to them, and reads bytes without trust.
#include "core/evaluate/flat_evaluation.h"

#include <algorithm>
#include <cstring>

#include "core/evaluate/flat_lists.h"

namespace als {
namespace {

// "alsu" and "alsg"; other bytes where they are in another order.
constexpr std::uint32_t kUserMagic = 0x616c7375;
constexpr std::uint32_t kMagic = 0x616c7367;

struct UserHeader {
  std::uint32_t magic;
  std::uint32_t groups;
  std::uint32_t group;
  std::uint32_t items;
  std::uint32_t known;
  std::uint32_t cutoffs;
  std::uint32_t best;
  std::uint32_t most_popular;
};

std::size_t bytes_of_bits(std::uint32_t items) { return (std::size_t{items} + 7) / 8; }

std::size_t bytes_of_numbers(std::size_t cutoffs) {
  return EvaluationSums::count_of_numbers(cutoffs) * sizeof(double);
}

double number_at(const char* place) {
  double number;
  std::memcpy(&number, place, sizeof number);
  return number;
}

}  // namespace

std::string MeasuredUser::bytes() const {
  const UserHeader header{kUserMagic,
                          groups,
                          group,
                          items,
                          known,
                          static_cast<std::uint32_t>(cutoffs.size()),
                          static_cast<std::uint32_t>(best.size()),
                          static_cast<std::uint32_t>(most_popular.size())};
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  put_list(sums.numbers(), bytes);
  put_list(cutoffs, bytes);
  put_list(best, bytes);
  put_list(most_popular, bytes);
  return bytes;
}

std::optional<MeasuredUser> MeasuredUser::of_bytes(std::string_view bytes) {
  UserHeader header;
  if (bytes.size() < sizeof header) return std::nullopt;
  std::memcpy(&header, bytes.data(), sizeof header);
  bytes.remove_prefix(sizeof header);
  if (header.magic != kUserMagic || header.groups > kMaxGroups || header.group > header.groups ||
      header.cutoffs > kMaxCutoffs || header.known > 1)
    return std::nullopt;
  const std::size_t words =
      std::size_t{header.cutoffs} + std::size_t{header.best} + std::size_t{header.most_popular};
  if (bytes.size() != bytes_of_numbers(header.cutoffs) + words * sizeof(std::uint32_t))
    return std::nullopt;
  const std::size_t count = EvaluationSums::count_of_numbers(header.cutoffs);
  const std::vector<double> numbers = take_list<double>(count, bytes);
  MeasuredUser user(take_list<std::uint32_t>(header.cutoffs, bytes));
  user.groups = header.groups;
  user.group = header.group;
  user.items = header.items;
  user.known = header.known;
  user.best = take_list<std::uint32_t>(header.best, bytes);
  user.most_popular = take_list<std::uint32_t>(header.most_popular, bytes);
  const auto are_items = [&](const std::vector<std::uint32_t>& list) {
    return std::all_of(list.begin(), list.end(),
                       [&](std::uint32_t item) { return item < header.items; });
  };
  std::optional<EvaluationSums> sums = EvaluationSums::of_numbers(numbers.data(), header.cutoffs);
  if (!sums || !are_items(user.best) || !are_items(user.most_popular)) return std::nullopt;
  user.sums = std::move(*sums);
  return user;
}

std::size_t FlatEvaluation::bytes(const Shape& shape) {
  return sizeof(Header) + shape.groups * bytes_of_numbers(shape.cutoffs) +
         std::size_t{2} * shape.cutoffs * bytes_of_bits(shape.items);
}

FlatEvaluation::FlatEvaluation(const Shape& shape, char* memory) : memory_(memory) {
  std::memset(memory, 0, bytes(shape));
  const Header header{kMagic, shape};
  std::memcpy(memory, &header, sizeof header);
  const std::vector<double> none = EvaluationSums(shape.cutoffs).numbers();
  for (std::size_t g = 0; g < shape.groups; ++g)
    std::memcpy(numbers_of(g), none.data(), none.size() * sizeof(double));
}

std::optional<FlatEvaluation> FlatEvaluation::open(char* memory, std::size_t size) {
  if (size < sizeof(Header)) return std::nullopt;
  Header header;
  std::memcpy(&header, memory, sizeof header);
  if (header.magic != kMagic || header.shape.groups > kMaxGroups ||
      header.shape.cutoffs > kMaxCutoffs || size != bytes(header.shape))
    return std::nullopt;
  return FlatEvaluation(memory);
}

FlatEvaluation::Shape FlatEvaluation::shape() const {
  Header header;
  std::memcpy(&header, memory_, sizeof header);
  return header.shape;
}

char* FlatEvaluation::numbers_of(std::size_t group) const {
  return memory_ + sizeof(Header) + group * bytes_of_numbers(shape().cutoffs);
}

char* FlatEvaluation::bits(Lists lists, std::size_t cutoff) const {
  const Shape shape = this->shape();
  const std::size_t row = lists == Lists::kOfModel ? cutoff : shape.cutoffs + cutoff;
  return numbers_of(shape.groups) + row * bytes_of_bits(shape.items);
}

void FlatEvaluation::add_numbers(std::size_t group, const char* numbers) {
  char* sums = numbers_of(group);
  const std::size_t n = EvaluationSums::count_of_numbers(shape().cutoffs);
  for (std::size_t i = 0; i < n; ++i, sums += sizeof(double), numbers += sizeof(double)) {
    const double sum = number_at(sums);
    const double number = number_at(numbers);
    const double more = i < EvaluationSums::kGreatest ? std::max(sum, number) : sum + number;
    std::memcpy(sums, &more, sizeof more);
  }
}

void FlatEvaluation::cover(Lists lists, const std::vector<std::uint32_t>& list,
                           const std::vector<std::uint32_t>& cutoffs) {
  for (std::size_t c = 0; c < cutoffs.size(); ++c) {
    char* covered = bits(lists, c);
    for (std::size_t rank = 0; rank < std::min<std::size_t>(list.size(), cutoffs[c]); ++rank)
      covered[list[rank] / 8] = static_cast<char>(covered[list[rank] / 8] | 1 << list[rank] % 8);
  }
}

void FlatEvaluation::add(const MeasuredUser& user) {
  if (user.group < user.groups) {
    const std::vector<double> numbers = user.sums.numbers();
    add_numbers(user.group, reinterpret_cast<const char*>(numbers.data()));
  }
  cover(Lists::kOfModel, user.best, user.cutoffs);
  cover(Lists::kMostPopular, user.most_popular, user.cutoffs);
}

void FlatEvaluation::add(const FlatEvaluation& other) {
  const Shape shape = this->shape();
  for (std::size_t g = 0; g < shape.groups; ++g) add_numbers(g, other.numbers_of(g));
  char* own = bits(Lists::kOfModel, 0);
  const char* others = other.bits(Lists::kOfModel, 0);
  const std::size_t n = std::size_t{2} * shape.cutoffs * bytes_of_bits(shape.items);
  for (std::size_t i = 0; i < n; ++i) own[i] = static_cast<char>(own[i] | others[i]);
}

std::optional<EvaluationSums> FlatEvaluation::group(std::size_t group) const {
  const std::size_t cutoffs = shape().cutoffs;
  std::vector<double> numbers(EvaluationSums::count_of_numbers(cutoffs));
  std::memcpy(numbers.data(), numbers_of(group), numbers.size() * sizeof(double));
  return EvaluationSums::of_numbers(numbers.data(), cutoffs);
}

std::size_t FlatEvaluation::covered(Lists lists, std::size_t cutoff) const {
  const char* covered = bits(lists, cutoff);
  std::size_t n = 0;
  for (std::size_t item = 0; item < shape().items; ++item)
    n += (covered[item / 8] >> item % 8 & 1) != 0 ? 1 : 0;
  return n;
}

}  // namespace als
