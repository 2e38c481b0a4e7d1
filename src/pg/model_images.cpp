#include "pg/model_images.h"

#include "core/top_k_search.h"
#include "pg/factor_reader.h"
#include "pg/settings.h"

namespace als::pg {

namespace {

/// What can fill an image.
struct Content {
  std::size_t bytes;
  std::function<void(char* image)> write;
};

std::shared_ptr<Image> private_image(const Content& content) {
  std::shared_ptr<Image> image = Image::make_private(content.bytes);
  content.write(image->data());
  return image;
}

std::shared_ptr<Image> build(const ImageKey& key, const Content& content) {
  if (content.bytes > cache_size()) return private_image(content);
  std::shared_ptr<Image> image = new_shared_image(content.bytes);
  if (image == nullptr) return private_image(content);
  content.write(image->data());
  register_image(key, *image);
  return image;
}

FoundImage find_or_build(const ImageKey& key, bool may_share,
                         const std::function<Content()>& open) {
  if (!may_share || !images_are_shared()) return {private_image(open()), false};
  if (std::shared_ptr<Image> image = registered_image(key)) return {image, false};
  if (TransactionIdIsValid(GetTopTransactionIdIfAny())) return {private_image(open()), true};
  BuildLock lock(key);
  std::shared_ptr<Image> image = registered_image(key);
  if (image == nullptr) {
    forget_gone_models();
    image = build(key, open());
  }
  lock.release();
  return {image, false};
}

ImageKey factor_key(const Model& model, Side side) {
  return image_key(model, side,
                   side == Side::kUsers ? ImageKind::kUserFactors : ImageKind::kItemFactors);
}

ImageKey search_key(const Model& model, Side side) {
  return image_key(model, side,
                   side == Side::kUsers ? ImageKind::kUserSearch : ImageKind::kItemSearch);
}

}  // namespace

ImageKey image_key(const Model& model, Side side, ImageKind kind) {
  return {MyDatabaseId, model.table, kind, model.factors_of(side), model.factors};
}

FoundImage factor_image(const Model& model, Side side, bool may_share) {
  return find_or_build(factor_key(model, side), may_share, [&] {
    SpiConnection spi;
    auto reader = std::make_shared<FactorReader>(model, side);
    spi.finish();
    return Content{reader->bytes(), [reader](char* image) { reader->write(image); }};
  });
}

std::shared_ptr<Image> existing_factor_image(const Model& model, Side side) {
  return images_are_shared() ? registered_image(factor_key(model, side)) : nullptr;
}

FoundImage search_image(const Model& model, Side side, const FactorSide& rows, bool may_share) {
  return find_or_build(search_key(model, side), may_share, [&] {
    return Content{TopKSearch::bytes(rows.size(), rows.rows().cols), [&rows](char* image) {
                     TopKSearch::build(rows.rows(), rows.bias(), image,
                                       [] { server([] { CHECK_FOR_INTERRUPTS(); }); });
                   }};
  });
}

}  // namespace als::pg
