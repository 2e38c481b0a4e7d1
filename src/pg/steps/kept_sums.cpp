// Stands a number in the place of sums.
#include "pg/steps/kept_sums.h"

#include "pg/steps/bytea_bytes.h"
#include "pg/steps/kept_values.h"

namespace als::pg {

namespace {

using KeptSums = KeptValues<SliceSums>;

/// The part whose pieces are being taken.
struct LastPart {
  std::uint64_t number = 0;
  std::unique_ptr<SumsOfPart> sums;
  std::uint32_t taken = 0;
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

Datum number_datum(std::uint64_t number) { return bytea_datum(bytes_of(number)); }

}  // namespace

Datum store_part_sums(std::unique_ptr<SumsOfPart> sums) {
  auto& last = kept_to_end<LastPart>();
  last = {random_number(), std::move(sums)};
  return number_datum(last.number);
}

Datum piece_of(ByteView sums, std::uint32_t slice) {
  const std::optional<std::uint64_t> number = number_in(sums);
  if (!number) return bytea_datum(piece_of_slice(sums, slice));
  auto& last = kept_to_end<LastPart>();
  if (last.sums == nullptr || last.number != *number)
    throw InvalidBytes("the sums of a part are kept by another session");
  const KeptBlock& block = *last.sums->block;
  SliceSums piece = last.sums->sums.of_slice(slice);
  const bool stays = block.slices.count(slice) > 0;
  if (++last.taken == block.block.training().slices()) last.sums.reset();
  return stays ? store_sums(std::move(piece)) : bytea_datum(piece.bytes());
}

Datum store_sums(SliceSums&& sums) {
  KeptSums& kept = KeptSums::of_session();
  const std::size_t bytes = memory_of(sums);
  return kept.has_room(bytes) ? number_datum(kept.keep(std::move(sums), bytes))
                              : bytea_datum(sums.bytes());
}

std::optional<SliceSums> take_sums(ByteView value) {
  const std::optional<std::uint64_t> number = number_in(value);
  if (!number) return std::nullopt;
  KeptSums& kept = KeptSums::of_session();
  if (kept.find(*number) == nullptr) throw InvalidBytes("sums are kept by another session");
  return kept.take(*number);
}

}  // namespace als::pg
