// A block of memory that serving reads.
#include "pg/cache/segment.h"

#include "core/linalg/factor_matrix.h"
#include "pg/server/short_lived_resources.h"

namespace als::pg {

namespace {

/// Before the data of shared memory: as much as a cache line, so that what follows stays aligned.
struct alignas(64) SharedHeader {
  std::uint64_t id;
};

/// A session may map a segment only once.
std::vector<std::weak_ptr<Segment>>& mapped() {
  static auto* segments = new std::vector<std::weak_ptr<Segment>>;
  return *segments;
}

/// Runs a call that makes or maps a segment. Null if it fails; the rest of the transaction goes on
/// as if it had not been tried.
template <class Call>
dsm_segment* try_dsm(const Call& call) {
  ShortLivedResources left_behind;
  dsm_segment* segment = nullptr;
  try {
    segment = server([&] {
      dsm_segment* made = call();
      if (made != nullptr) dsm_pin_mapping(made);
      return made;
    });
  } catch (const ServerError& error) {
    go_on_after(error, "als keeps a model in this session's own memory");
  }
  left_behind.release();
  return segment;
}

}  // namespace

std::shared_ptr<Segment> Segment::make_private(std::size_t bytes) {
  std::shared_ptr<Segment> segment(new Segment(bytes));
  segment->data_ = static_cast<char*>(
      ::operator new (bytes, std::align_val_t{AlignedAllocator<char>::kAlignment}));
  return segment;
}

std::shared_ptr<Segment> Segment::make_shared(std::size_t bytes, std::uint64_t id) {
  std::shared_ptr<Segment> segment(new Segment(bytes));
  mapped().push_back(segment);
  segment->dsm_ = try_dsm(
      [&] { return dsm_create(bytes + sizeof(SharedHeader), DSM_CREATE_NULL_IF_MAXSEGMENTS); });
  if (segment->dsm_ == nullptr) return nullptr;
  segment->id_ = id;
  auto* header = static_cast<SharedHeader*>(dsm_segment_address(segment->dsm_));
  header->id = id;
  segment->data_ = reinterpret_cast<char*>(header + 1);
  return segment;
}

std::shared_ptr<Segment> Segment::attach(dsm_handle handle, std::uint64_t id) {
  for (const auto& known : mapped()) {
    std::shared_ptr<Segment> segment = known.lock();
    if (segment != nullptr && segment->id_ == id) return segment;
  }
  std::shared_ptr<Segment> segment(new Segment(0));
  mapped().push_back(segment);
  segment->dsm_ = try_dsm([&] { return dsm_attach(handle); });
  if (segment->dsm_ == nullptr) return nullptr;
  auto* header = static_cast<SharedHeader*>(dsm_segment_address(segment->dsm_));
  // Handles are drawn by chance: another's memory may have come by this one since.
  if (header->id != id) return nullptr;
  segment->id_ = id;
  segment->data_ = reinterpret_cast<char*>(header + 1);
  segment->bytes_ = dsm_segment_map_length(segment->dsm_) - sizeof(SharedHeader);
  return segment;
}

Segment::~Segment() {
  auto& segments = mapped();
  segments.erase(std::remove_if(segments.begin(), segments.end(),
                                [](const auto& segment) { return segment.expired(); }),
                 segments.end());
  if (dsm_ != nullptr)
    dsm_detach(dsm_);  // at worst warns
  else
    ::operator delete (data_, std::align_val_t{AlignedAllocator<char>::kAlignment});
}

}  // namespace als::pg
