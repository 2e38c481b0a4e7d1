// The normal equations of a row in one piece of memory, which can be sent, stored and merged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "core/linalg/normal_equations.h"
#include "core/train/row_objective.h"

namespace als {

/// A view of memory that holds sums over the ratings of a row, or the Gram matrix of a side.
/// Vectors wait in it until there are enough for a kernel to take.
///
/// The memory needs no alignment beyond that of a float.
class FlatEquations {
 public:
  enum class Kind : std::uint32_t { kExplicit, kBiased, kImplicit, kGram };

  /// What the sums are of. Only those of the same shape can be merged.
  struct Shape {
    Kind kind;
    std::uint32_t factors;
    double alpha;  ///< of implicit feedback; else 0

    bool operator==(const Shape& other) const {
      return kind == other.kind && factors == other.factors && alpha == other.alpha;
    }
  };

  static std::size_t bytes(const Shape& shape);

  /// Sets up `bytes(shape)` bytes of memory.
  FlatEquations(const Shape& shape, void* memory);

  /// Memory that has been set up, perhaps elsewhere; nothing if it cannot have been.
  static std::optional<FlatEquations> open(void* memory, std::size_t bytes);

  Shape shape() const { return header().shape; }
  double rows() const { return header().rows; }

  /// A rating of what has this vector and this bias; of the Gram matrix the vector is all that
  /// counts.
  void add(const float* vector, float rating, float bias);

  /// What another one of the same shape holds.
  void add(FlatEquations& other);

  /// The solution with the ridge of these options, its bias last. gram: of the side that the
  /// vectors are from, for implicit feedback. Throws std::range_error where it is not finite.
  std::vector<float> solve(const TrainOptions& ridge, FlatEquations* gram);

 private:
  struct Header {
    std::uint32_t magic;
    std::uint32_t waiting;
    Shape shape;
    double rows;
    double weight;  ///< what the ratings add to the sum of the row's weights
  };

  explicit FlatEquations(void* memory) : memory_(static_cast<unsigned char*>(memory)) {}

  static TrainOptions options_of(const Shape& shape);
  std::size_t unknowns() const { return options_of(shape()).unknowns(); }
  Header header() const;
  void write(const Header& header);
  float* sums() const;
  float* waiting_at(std::size_t place) const;
  NormalEquations read_sums() const;
  void flush();

  unsigned char* memory_;
};

}  // namespace als
