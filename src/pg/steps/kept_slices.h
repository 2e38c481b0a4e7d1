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
  std::uint64_t number_ = 0;  // else
  const SliceState* state_;
};

/// A value for the table of slices. The slice is kept if there is room for it: see KeptValues.
Datum store_slice(std::unique_ptr<SliceState> state);

}  // namespace als::pg
