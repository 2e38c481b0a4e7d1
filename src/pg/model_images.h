// The images of a model: those of its factor tables, and those that searches run on.
#pragma once

#include "pg/factor_side.h"
#include "pg/image_registry.h"

namespace als::pg {

/// An image, and whether it is this transaction's only: one that has written may see rows that the
/// version it sees does not tell from others', so that what it builds is not shown to anybody.
struct FoundImage {
  std::shared_ptr<Image> image;
  bool for_now = false;
};

/// What an image of a side of this version of a model is known by.
ImageKey image_key(const Model& model, Side side, ImageKind kind);

/// The image of a factor table as the active snapshot sees it. Shared where `may_share`: another's,
/// or built here for all. Else, or where no memory can be shared, this session's own. Throws what
/// reading the table throws.
FoundImage factor_image(const Model& model, Side side, bool may_share);

/// The same if another session, or this one, has built and shared it; else null.
std::shared_ptr<Image> existing_factor_image(const Model& model, Side side);

/// The image for TopKSearch over the rows of a side.
FoundImage search_image(const Model& model, Side side, const FactorSide& rows, bool may_share);

}  // namespace als::pg
