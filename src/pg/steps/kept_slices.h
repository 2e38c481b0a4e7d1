// Slices that a session keeps from step to step.
#pragma once

#include "core/parts/slice_state.h"
#include "pg/steps/bytea_bytes.h"

namespace als::pg {

/// An argument that is a slice, in bytes or kept by this session: then its bytes are its report and
/// a number by which it is found. All steps of a slice are taken by one session, as one that does
/// not see what the transaction has written would have no slice to step.
class SliceArg {
 public:
  /// Throws InvalidBytes.
  SliceArg(FunctionCallInfo fcinfo, int index);
  const SliceState& state() const { return *state_; }

  /// The slice, to be changed and then stored: it is no longer kept.
  std::unique_ptr<SliceState> take();

 private:
  std::unique_ptr<SliceState> read_;
  const SliceState* state_;
};

/// Whether this session keeps a slice of the training with this key.
bool keeps_slice(std::uint64_t training, std::uint32_t slice);

/// A value for the table of slices. The slice is kept, to the end of the transaction, if it takes
/// no more than a quarter of als.max_memory with those that are.
Datum store_slice(std::unique_ptr<SliceState> state);

}  // namespace als::pg
