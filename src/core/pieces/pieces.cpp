// Headers of pieces, and their checksums.
#include "core/pieces/pieces.h"

#include "core/base/splitmix.h"

namespace als {
namespace {

/// At the start of a piece. Numbers are as the processor has them: one with another order of bytes
/// does not find the magic number.
struct Header {
  std::uint32_t magic;
  std::uint32_t piece;
  std::uint64_t size;      // of the piece, this header included
  std::uint64_t checksum;  // of what follows
  std::uint32_t slice;
  std::uint32_t unused;
};

constexpr std::size_t kUnchecked = offsetof(Header, slice);

constexpr std::uint32_t kMagic = 0x02534c41;  // "ALS" and the format's version

Header first_header(ByteView bytes) {
  Header header;
  expect(bytes.size() >= sizeof header, "not a piece of a training over parts, or cut off");
  std::memcpy(&header, bytes.data(), sizeof header);
  expect(header.magic == kMagic, "not a piece of a training over parts, or of another version");
  return header;
}

/// The header of the first piece, which is whole.
Header header_of(ByteView bytes) {
  const Header header = first_header(bytes);
  expect(header.size >= sizeof header && header.size <= bytes.size(),
         "a piece of a training over parts was cut off");
  return header;
}

/// Bits: an unsigned integer as wide as T; exponent: its bits that are all set in what is not
/// finite. Compilers make vectors of this, and not of std::isfinite().
template <class Bits, class T>
void expect_all_finite(const T* values, std::size_t n, Bits exponent) {
  static_assert(sizeof(Bits) == sizeof(T));
  Bits wrong = 0;
  for (std::size_t k = 0; k < n; ++k) {
    Bits bits;
    std::memcpy(&bits, values + k, sizeof bits);
    wrong |= static_cast<Bits>((bits & exponent) == exponent);
  }
  expect(wrong == 0, "a piece has a number that is not finite");
}

}  // namespace

std::uint64_t checksum(ByteView bytes) {
  // Four sums that do not wait for each other. Each step maps states one to one.
  constexpr std::size_t kLanes = 4;
  constexpr std::uint64_t kFactor = 0x9e3779b97f4a7c15;
  std::uint64_t lanes[kLanes] = {1, 2, 3, 4};
  const char* from = bytes.data();
  std::size_t left = bytes.size();
  for (; left >= sizeof lanes; left -= sizeof lanes, from += sizeof lanes) {
    std::uint64_t words[kLanes];
    std::memcpy(words, from, sizeof words);
    for (std::size_t k = 0; k < kLanes; ++k) lanes[k] = (lanes[k] ^ words[k]) * kFactor;
  }
  std::uint64_t words[kLanes] = {};
  if (left > 0) std::memcpy(words, from, left);
  std::uint64_t sum = bytes.size();
  for (std::size_t k = 0; k < kLanes; ++k) {
    // The products leave low bits to themselves; this spreads them.
    sum = splitmix((sum ^ splitmix(lanes[k])) * kFactor + words[k]);
  }
  return sum;
}

PieceWriter::PieceWriter(Piece piece, std::size_t body, std::uint32_t slice) {
  bytes_.reserve(sizeof(Header) + body);
  put(Header{kMagic, static_cast<std::uint32_t>(piece), 0, 0, slice, 0});
}

Bytes PieceWriter::take() {
  if (bytes_.size() > kMaxBytes) {
    throw std::length_error("a piece of a training over parts is larger than 1000 MB");
  }
  Header header;
  std::memcpy(&header, bytes_.data(), sizeof header);
  header.size = bytes_.size();
  header.checksum = checksum(ByteView(bytes_).substr(kUnchecked));
  std::memcpy(bytes_.data(), &header, sizeof header);
  return std::move(bytes_);
}

PieceReader::PieceReader(ByteView& bytes, Piece piece) {
  const Header header = header_of(bytes);
  expect(header.piece == static_cast<std::uint32_t>(piece),
         "a piece of a training over parts of another kind was expected");
  expect(checksum(bytes.substr(kUnchecked, header.size - kUnchecked)) == header.checksum,
         "a piece of a training over parts was changed");
  slice_ = header.slice;
  body_ = bytes.substr(sizeof header, header.size - sizeof header);
  bytes.remove_prefix(header.size);
}

void PieceReader::take(void* to, std::size_t n) {
  expect(n <= body_.size(), "a piece is shorter than its contents");
  if (n > 0) std::memcpy(to, body_.data(), n);
  body_.remove_prefix(n);
}

PieceFacts take_piece(ByteView& bytes) {
  const Header header = header_of(bytes);
  const ByteView piece = bytes.substr(0, header.size);
  bytes.remove_prefix(header.size);
  return {static_cast<Piece>(header.piece), header.slice, header.checksum, piece};
}

std::uint64_t checksum_of_piece(ByteView bytes) { return first_header(bytes).checksum; }

void expect_finite(const float* values, std::size_t n) {
  expect_all_finite<std::uint32_t>(values, n, 0x7f800000);
}

void expect_finite(const double* values, std::size_t n) {
  expect_all_finite<std::uint64_t>(values, n, 0x7ff0000000000000);
}

}  // namespace als
