// One side of a model, ready to score.
#pragma once

#include "core/factor_view.h"
#include "pg/flat_ids.h"
#include "pg/image.h"
#include "pg/memory_context.h"
#include "pg/model.h"

namespace als::pg {

/// A view of the image of a factor table. Index order is id order, so that ties broken by the lower
/// index are ties broken by id.
class FactorSide {
 public:
  /// Where the parts of an image lie, in bytes from its beginning.
  struct Header {
    std::uint64_t size;
    std::uint64_t factors;
    std::uint64_t stride;
    std::uint64_t rows;
    std::uint64_t bias;
    std::uint64_t n_ratings;
    std::uint64_t ids;
    std::uint64_t end;
  };
  static Header layout(std::size_t size, std::size_t factors, std::size_t id_bytes);

  FactorSide(const Model& model, Side side, std::shared_ptr<Image> image);
  FactorSide(const FactorSide&) = delete;
  FactorSide& operator=(const FactorSide&) = delete;

  const Image& image() const { return *image_; }
  const IdType& type() const { return *type_; }
  const FlatIds& ids() const { return ids_; }
  std::size_t size() const { return header_->size; }
  FactorView rows() const { return rows_; }
  const float* bias() const { return at<float>(header_->bias); }  ///< 0 where null
  const std::int32_t* n_ratings() const { return at<std::int32_t>(header_->n_ratings); }

 private:
  template <class T>
  const T* at(std::uint64_t place) const {
    return reinterpret_cast<const T*>(image_->data() + place);
  }

  std::shared_ptr<Image> image_;
  const Header* header_;
  OwnedMemoryContext context_;
  IdType* type_;
  FlatIds ids_;
  FactorView rows_;
};

}  // namespace als::pg
