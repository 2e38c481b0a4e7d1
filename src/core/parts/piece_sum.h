// Sums of what parts and chunks send.
#pragma once

#include <memory>
#include <optional>

#include "core/parts/sums.h"
#include "core/pieces/bytes.h"

namespace als {

/// Adds up pieces of one kind: the sums, or the totals, of one slice over parts, or the reports of
/// users over chunks; and sums of those.
class PieceSum {
 public:
  PieceSum();
  ~PieceSum();

  /// In ascending order of parts, and of chunks within them, each once: which is checked.
  void add(ByteView piece);

  /// The same for sums that are no bytes.
  void add(SliceSums&& sums);

  Bytes bytes() const;  ///< empty without pieces

  /// The sums of a slice, if it is those that were added: they are the caller's then.
  std::optional<SliceSums> take_sums();

 private:
  struct Sum;
  std::unique_ptr<Sum> sum_;
};

/// The sums that one part has for a slice, or nothing if these are its totals. Throws InvalidBytes
/// if they are neither.
std::optional<SliceSums> sums_in_piece(ByteView piece, std::uint32_t slice, std::uint32_t part);

}  // namespace als
