// Knows slices again by numbers that nothing else has.
#include "pg/steps/kept_slices.h"

#include <map>

#include "core/pieces/factor_bytes.h"
#include "core/pieces/pieces.h"
#include "core/pieces/step_head.h"
#include "pg/server/random_number.h"
#include "pg/server/settings.h"
#include "pg/steps/kept_to_end.h"

namespace als::pg {

namespace {

/// Of one training: those of the last one stay, if the same transaction begins another.
struct KeptSlices {
  struct Kept {
    std::uint64_t number;
    std::unique_ptr<SliceState> state;
  };
  std::uint64_t training = 0;
  std::size_t bytes = 0;
  std::map<std::uint32_t, Kept> slices;

  std::unique_ptr<SliceState> take(std::uint32_t slice);
};

/// At most: in the middle of a half-step.
std::size_t memory_of(const SliceState& state) {
  return 4 * factor_bytes(state.size(), state.training.options) + 64 * state.size();
}

std::unique_ptr<SliceState> KeptSlices::take(std::uint32_t slice) {
  const auto found = slices.find(slice);
  if (found == slices.end()) return nullptr;
  std::unique_ptr<SliceState> state = std::move(found->second.state);
  slices.erase(found);
  bytes -= memory_of(*state);
  return state;
}

}  // namespace

SliceArg::SliceArg(FunctionCallInfo fcinfo, int index) {
  const ByteView bytes = bytes_arg(fcinfo, index, "slice");
  ByteView rest = bytes;
  const std::uint32_t slice = take_piece(rest).slice;
  std::uint64_t number = 0;
  if (rest.size() != sizeof(number)) {
    read_ = std::make_unique<SliceState>(SliceState::read(bytes));
    state_ = read_.get();
    return;
  }
  std::memcpy(&number, rest.data(), sizeof(number));
  const auto& slices = kept_to_end<KeptSlices>().slices;
  const auto found = slices.find(slice);
  if (found == slices.end() || found->second.number != number)
    throw InvalidBytes("a slice is kept by another session");
  state_ = found->second.state.get();
}

std::unique_ptr<SliceState> SliceArg::take() {
  return read_ != nullptr ? std::move(read_) : kept_to_end<KeptSlices>().take(state_->slice);
}

bool keeps_slice(std::uint64_t training, std::uint32_t slice) {
  const auto& kept = kept_to_end<KeptSlices>();
  return kept.training == training && kept.slices.count(slice) > 0;
}

Datum store_slice(std::unique_ptr<SliceState> state) {
  auto& kept = kept_to_end<KeptSlices>();
  const std::uint64_t training = key_of(state->training);
  if (kept.training != training) kept = {};
  kept.training = training;
  kept.take(state->slice);
  const std::size_t bytes = memory_of(*state);
  const std::size_t most = max_memory() / 4;
  if (bytes > most || kept.bytes > most - bytes) return bytea_datum(state->bytes());
  const std::uint64_t number = random_number();
  const Bytes report = state->report.bytes(state->training);
  const Datum stored =
      PointerGetDatum(bytea_of({report, {reinterpret_cast<const char*>(&number), sizeof(number)}}));
  const std::uint32_t slice = state->slice;
  kept.slices[slice] = {number, std::move(state)};
  kept.bytes += bytes;
  return stored;
}

}  // namespace als::pg
