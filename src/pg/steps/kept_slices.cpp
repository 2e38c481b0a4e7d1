// Stands a number in the place of a slice.
#include "pg/steps/kept_slices.h"

#include "core/pieces/factor_bytes.h"
#include "core/pieces/pieces.h"
#include "core/pieces/step_head.h"
#include "pg/steps/kept_values.h"

namespace als::pg {

namespace {

using KeptSlices = KeptValues<std::unique_ptr<SliceState>>;

/// At most: in the middle of a half-step.
std::size_t memory_of(const SliceState& state) {
  return 5 * factor_bytes(state.size(), state.training.options) + 64 * state.size();
}

}  // namespace

SliceArg::SliceArg(FunctionCallInfo fcinfo, int index) {
  const ByteView bytes = bytes_arg(fcinfo, index, "slice");
  ByteView rest = bytes;
  const std::uint32_t slice = take_piece(rest).slice;
  if (rest.size() != sizeof(number_)) {
    read_ = std::make_unique<SliceState>(SliceState::read(bytes));
    state_ = read_.get();
    return;
  }
  std::memcpy(&number_, rest.data(), sizeof(number_));
  const std::unique_ptr<SliceState>* kept = KeptSlices::of_session().find(number_);
  if (kept == nullptr || (*kept)->slice != slice)
    throw InvalidBytes("a slice is kept by another session");
  state_ = kept->get();
}

std::unique_ptr<SliceState> SliceArg::take() {
  return read_ != nullptr ? std::move(read_) : KeptSlices::of_session().take(number_);
}

Datum store_slice(std::unique_ptr<SliceState> state) {
  KeptSlices& kept = KeptSlices::of_session();
  const std::size_t bytes = memory_of(*state);
  if (!kept.has_room(bytes)) return bytea_datum(state->bytes());
  const Bytes report = state->report.bytes(state->training);
  const std::uint64_t number = kept.keep(std::move(state), bytes);
  return PointerGetDatum(bytea_of({report, bytes_of(number)}));
}

}  // namespace als::pg
