// One side of a model, ready to score.
#pragma once

#include "core/linalg/factor_matrix.h"
#include "pg/cache/segment.h"
#include "pg/ids/id_index.h"
#include "pg/model/model.h"
#include "pg/server/memory_context.h"

namespace als::pg {

/// A view of the segment of a factor table. Index order is id order, so that ties broken by the
/// lower index are ties broken by id.
class LoadedFactors {
 public:
  /// Where the parts of a segment lie, in bytes from its beginning.
  struct Header {
    std::uint64_t size;
    std::uint64_t factors;
    std::uint64_t stride;
    std::uint64_t rows;
    std::uint64_t bias;
    std::uint64_t n_ratings;
    std::uint64_t popularity;
    std::uint64_t ids;
    std::uint64_t end;
  };
  static Header layout(std::size_t size, std::size_t factors, std::size_t id_bytes);

  LoadedFactors(const Model& model, Side side, std::shared_ptr<Segment> segment);
  LoadedFactors(const LoadedFactors&) = delete;
  LoadedFactors& operator=(const LoadedFactors&) = delete;

  const Segment& segment() const { return *segment_; }
  const IdType& type() const { return *type_; }
  const IdIndex& ids() const { return ids_; }
  std::size_t size() const { return header_->size; }
  FactorView rows() const { return rows_; }
  const float* bias() const { return at<float>(header_->bias); }  ///< 0 where null
  const std::int32_t* n_ratings() const { return at<std::int32_t>(header_->n_ratings); }
  /// Of an item: how many have liked it, or its damped mean rating; n_ratings where that is not
  /// known.
  const float* popularity() const { return at<float>(header_->popularity); }

 private:
  template <class T>
  const T* at(std::uint64_t place) const {
    return reinterpret_cast<const T*>(segment_->data() + place);
  }

  std::shared_ptr<Segment> segment_;
  const Header* header_;
  OwnedMemoryContext context_;
  IdType* type_;
  IdIndex ids_;
  FactorView rows_;
};

}  // namespace als::pg
