#include "pg/image.h"

#include "core/factor_matrix.h"

namespace als::pg {

namespace {

/// Before the data of shared memory: as much as a cache line, so that what follows stays aligned.
struct alignas(64) SharedHeader {
  std::uint64_t id;
};

/// A session may map a segment only once.
std::vector<std::weak_ptr<Image>>& mapped() {
  static auto* images = new std::vector<std::weak_ptr<Image>>;
  return *images;
}

/// Runs a call that makes or maps a segment. Null if it fails; the rest of the transaction goes on
/// as if it had not been tried.
template <class Call>
dsm_segment* try_segment(const Call& call) {
  // What a failed call leaves behind hangs on an owner of its own, not on the transaction's.
  ResourceOwner outer = CurrentResourceOwner;
  ResourceOwner own = server([] { return ResourceOwnerCreate(nullptr, "als image"); });
  dsm_segment* segment = nullptr;
  CurrentResourceOwner = own;
  try {
    segment = server([&] {
      dsm_segment* made = call();
      if (made != nullptr) dsm_pin_mapping(made);
      return made;
    });
  } catch (const ServerError& error) {
    CurrentResourceOwner = outer;
    server([&] {
      ereport(LOG,
              (errmsg("als keeps a model in this session's own memory: %s", error.data->message)));
    });
  }
  CurrentResourceOwner = outer;
  server([&] {
    ResourceOwnerRelease(own, RESOURCE_RELEASE_BEFORE_LOCKS, false, false);
    ResourceOwnerRelease(own, RESOURCE_RELEASE_LOCKS, false, false);
    ResourceOwnerRelease(own, RESOURCE_RELEASE_AFTER_LOCKS, false, false);
    ResourceOwnerDelete(own);
  });
  return segment;
}

}  // namespace

std::shared_ptr<Image> Image::make_private(std::size_t bytes) {
  std::shared_ptr<Image> image(new Image(bytes));
  image->data_ = static_cast<char*>(
      ::operator new (bytes, std::align_val_t{AlignedAllocator<char>::kAlignment}));
  return image;
}

std::shared_ptr<Image> Image::make_shared(std::size_t bytes, std::uint64_t id) {
  std::shared_ptr<Image> image(new Image(bytes));
  mapped().push_back(image);
  image->segment_ = try_segment(
      [&] { return dsm_create(bytes + sizeof(SharedHeader), DSM_CREATE_NULL_IF_MAXSEGMENTS); });
  if (image->segment_ == nullptr) return nullptr;
  image->id_ = id;
  auto* header = static_cast<SharedHeader*>(dsm_segment_address(image->segment_));
  header->id = id;
  image->data_ = reinterpret_cast<char*>(header + 1);
  return image;
}

std::shared_ptr<Image> Image::attach(dsm_handle handle, std::uint64_t id) {
  for (const auto& known : mapped()) {
    std::shared_ptr<Image> image = known.lock();
    if (image != nullptr && image->id_ == id) return image;
  }
  std::shared_ptr<Image> image(new Image(0));
  mapped().push_back(image);
  image->segment_ = try_segment([&] { return dsm_attach(handle); });
  if (image->segment_ == nullptr) return nullptr;
  auto* header = static_cast<SharedHeader*>(dsm_segment_address(image->segment_));
  // Handles are drawn by chance: another's memory may have come by this one since.
  if (header->id != id) return nullptr;
  image->id_ = id;
  image->data_ = reinterpret_cast<char*>(header + 1);
  image->bytes_ = dsm_segment_map_length(image->segment_) - sizeof(SharedHeader);
  return image;
}

Image::~Image() {
  auto& images = mapped();
  images.erase(std::remove_if(images.begin(), images.end(),
                              [](const auto& image) { return image.expired(); }),
               images.end());
  if (segment_ != nullptr)
    dsm_detach(segment_);  // at worst warns
  else
    ::operator delete (data_, std::align_val_t{AlignedAllocator<char>::kAlignment});
}

}  // namespace als::pg
