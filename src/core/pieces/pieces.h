// Writing pieces of bytes, and reading them without trust.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "core/base/uninitialized_vector.h"
#include "core/pieces/bytes.h"

namespace als {

/// What a piece is. The numbers are part of the format.
enum class Piece : std::uint32_t {
  kTraining = 1,
  kChunk = 2,
  kByUser = 3,
  kByItem = 4,
  kTotals = 5,
  kSlice = 6,
  kStep = 7,
  kBlock = 8,
  kUsers = 9,
  kSums = 10,
  kUserReport = 11,
  kSliceReport = 12,
  kJudged = 13,
  kFinishedRows = 14
};

/// Throws InvalidBytes unless `condition` holds.
inline void expect(bool condition, const char* what) {
  if (!condition) throw InvalidBytes(what);
}

/// A number that is the same for the same bytes, and that changes with any bit of them.
std::uint64_t checksum(ByteView bytes);

class PieceWriter {
 public:
  /// body: about how many bytes will be put. slice: of which it is, if it is of one.
  explicit PieceWriter(Piece piece, std::size_t body = 0, std::uint32_t slice = 0);

  template <class T>
  void put(T value) {
    static_assert(std::is_trivially_copyable_v<T>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  template <class T>
  void put(const T* values, std::size_t n) {
    static_assert(std::is_trivially_copyable_v<T>);
    if (n > 0) bytes_.append(reinterpret_cast<const char*>(values), n * sizeof(T));
  }
  template <class T, class A>
  void put(const std::vector<T, A>& values) {
    put(values.data(), values.size());
  }

  /// The piece. Throws std::length_error if it is larger than kMaxBytes.
  Bytes take();

  /// What a bytea holds at most, and a text line of COPY.
  static constexpr std::size_t kMaxBytes = std::size_t{1000} << 20;

 private:
  Bytes bytes_;
};

/// Reads the first piece of some bytes, and takes it off them.
class PieceReader {
 public:
  /// Throws InvalidBytes unless it is whole and of this kind.
  PieceReader(ByteView& bytes, Piece piece);

  template <class T>
  T get() {
    static_assert(std::is_trivially_copyable_v<T>);
    T value;
    take(&value, sizeof value);
    return value;
  }
  /// n must be what the piece is known to have: no memory is taken for more than it holds.
  template <class T>
  UninitializedVector<T> get_all(std::size_t n) {
    static_assert(std::is_trivially_copyable_v<T>);
    expect(n <= body_.size() / sizeof(T), "a piece is shorter than its contents");
    UninitializedVector<T> values(n);
    take(values.data(), n * sizeof(T));
    return values;
  }
  template <class T>
  void get(T* values, std::size_t n) {
    static_assert(std::is_trivially_copyable_v<T>);
    expect(n <= body_.size() / sizeof(T), "a piece is shorter than its contents");
    take(values, n * sizeof(T));
  }

  std::size_t left() const { return body_.size(); }

  /// To be called after the last number: there must be nothing behind it.
  void end() const { expect(body_.empty(), "a piece is longer than its contents"); }

  /// As it was written.
  std::uint32_t slice() const { return slice_; }

 private:
  void take(void* to, std::size_t n);
  std::uint32_t slice_;
  ByteView body_;
};

/// A piece by its header alone.
struct PieceFacts {
  Piece piece;
  std::uint32_t slice;
  std::uint64_t checksum;
  ByteView bytes;
};

/// Takes the first piece off `bytes` without a look at its contents.
PieceFacts take_piece(ByteView& bytes);

/// That of a piece of which no more than the first bytes may be there.
std::uint64_t checksum_of_piece(ByteView bytes);

/// Throws InvalidBytes unless all are finite.
void expect_finite(const float* values, std::size_t n);
void expect_finite(const double* values, std::size_t n);

}  // namespace als
