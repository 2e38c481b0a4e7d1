// Sums of what parts and chunks send.
#pragma once

#include <memory>

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

  Bytes bytes() const;  ///< empty without pieces

 private:
  struct Sum;
  std::unique_ptr<Sum> sum_;
};

/// Throws InvalidBytes unless these are the sums or totals that one part has for a slice.
void check_piece(ByteView piece, std::uint32_t slice, std::uint32_t part);

}  // namespace als
