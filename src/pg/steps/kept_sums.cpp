// Knows sums again by numbers that nothing else has.
#include "pg/steps/kept_sums.h"

#include <map>

#include "pg/server/random_number.h"
#include "pg/server/settings.h"
#include "pg/steps/bytea_bytes.h"
#include "pg/steps/kept_slices.h"
#include "pg/steps/kept_to_end.h"

namespace als::pg {

namespace {

struct KeptSums {
  std::uint64_t part_number = 0;
  std::unique_ptr<SumsOfPart> of_part;

  std::map<std::uint64_t, SliceSums> of_slices;
  std::size_t bytes = 0;
};

std::size_t memory_of(const SliceSums& sums) {
  const FactorMatrix& matrix = sums.vectors.matrix;
  return (matrix.rows() * matrix.stride() + sums.vectors.bias.size()) * sizeof(float) +
         (sums.losses.size() + sums.second_losses.size() + sums.curvatures.size() +
          sums.gram.entries().size()) *
             sizeof(double);
}

/// If these bytes are a number, and no piece.
std::optional<std::uint64_t> number_in(ByteView bytes) {
  std::uint64_t number;
  if (bytes.size() != sizeof(number)) return std::nullopt;
  std::memcpy(&number, bytes.data(), sizeof(number));
  return number;
}

Datum number_datum(std::uint64_t number) {
  return bytea_datum({reinterpret_cast<const char*>(&number), sizeof(number)});
}

}  // namespace

Datum store_part_sums(std::unique_ptr<SumsOfPart> sums) {
  auto& kept = kept_to_end<KeptSums>();
  kept.part_number = random_number();
  kept.of_part = std::move(sums);
  return number_datum(kept.part_number);
}

Datum piece_of(ByteView sums, std::uint32_t slice) {
  const std::optional<std::uint64_t> number = number_in(sums);
  if (!number) return bytea_datum(piece_of_slice(sums, slice));
  const auto& kept = kept_to_end<KeptSums>();
  if (kept.of_part == nullptr || kept.part_number != *number)
    throw InvalidBytes("the sums of a part are kept by another session");
  return store_sums(kept.of_part->sums.of_slice(slice));
}

Datum store_sums(SliceSums&& sums) {
  auto& kept = kept_to_end<KeptSums>();
  const std::size_t bytes = memory_of(sums);
  const std::size_t most = max_memory() / 4;
  if (!keeps_slice(sums.training, sums.slice) || bytes > most || kept.bytes > most - bytes)
    return bytea_datum(sums.bytes());
  const std::uint64_t number = random_number();
  kept.of_slices.emplace(number, std::move(sums));
  kept.bytes += bytes;
  return number_datum(number);
}

std::optional<SliceSums> take_sums(ByteView value) {
  const std::optional<std::uint64_t> number = number_in(value);
  if (!number) return std::nullopt;
  auto& kept = kept_to_end<KeptSums>();
  const auto found = kept.of_slices.find(*number);
  if (found == kept.of_slices.end()) throw InvalidBytes("sums are kept by another session");
  std::optional<SliceSums> sums = std::move(found->second);
  kept.of_slices.erase(found);
  kept.bytes -= memory_of(*sums);
  return sums;
}

}  // namespace als::pg
