// Keeps the sum unpacked, which each piece is added to.
#include "core/parts/piece_sum.h"

#include <utility>

#include "core/parts/totals.h"
#include "core/parts/user_report.h"

namespace als {

struct PieceSum::Sum {
  std::optional<Piece> kind;
  std::optional<SliceSums> sums;
  std::optional<SliceTotals> totals;
  std::optional<UserReport> reports;
};

PieceSum::PieceSum() : sum_(new Sum) {}
PieceSum::~PieceSum() = default;

void PieceSum::add(ByteView piece) {
  const auto add_to = [&](auto& sum, auto&& more) {
    expect(piece.empty(), "more than one piece to be added");
    if (sum) {
      sum->add(more);
    } else {
      sum = std::forward<decltype(more)>(more);
    }
  };
  ByteView rest = piece;
  const Piece kind = take_piece(rest).piece;
  expect(!sum_->kind || *sum_->kind == kind, "pieces of two kinds cannot be added up");
  if (kind == Piece::kTotals) {
    add_to(sum_->totals, SliceTotals::read(piece));
  } else if (kind == Piece::kUserReport) {
    add_to(sum_->reports, UserReport::read(piece));
  } else {
    add_to(sum_->sums, SliceSums::read(piece));
  }
  sum_->kind = kind;
}

void PieceSum::add(SliceSums&& sums) {
  expect(!sum_->kind || *sum_->kind == Piece::kSums, "pieces of two kinds cannot be added up");
  sum_->kind = Piece::kSums;
  if (sum_->sums)
    sum_->sums->add(sums);
  else
    sum_->sums = std::move(sums);
}

std::optional<SliceSums> PieceSum::take_sums() { return std::exchange(sum_->sums, std::nullopt); }

std::optional<SliceSums> sums_in_piece(ByteView piece, std::uint32_t slice, std::uint32_t part) {
  const auto check = [&](const auto& sums) {
    expect(
        piece.empty() && sums.slice == slice && sums.first_part == part && sums.last_part == part,
        "a piece of another slice or part");
  };
  ByteView rest = piece;
  if (take_piece(rest).piece == Piece::kTotals) {
    check(SliceTotals::read(piece));
    return std::nullopt;
  }
  SliceSums sums = SliceSums::read(piece);
  check(sums);
  return sums;
}

Bytes PieceSum::bytes() const {
  if (sum_->totals) return sum_->totals->bytes();
  if (sum_->reports) return sum_->reports->bytes();
  return sum_->sums ? sum_->sums->bytes() : Bytes();
}

}  // namespace als
