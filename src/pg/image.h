// A block of memory that serving reads.
#pragma once

#include "pg/guard.h"

namespace als::pg {

/// Memory without pointers inside, aligned to cache lines: either dynamic shared memory, which
/// other sessions can map too, or this session's own. Mapped as long as this object lives; not tied
/// to the transaction.
class Image {
 public:
  /// Throws std::bad_alloc.
  static std::shared_ptr<Image> make_private(std::size_t bytes);

  /// New shared memory, or null where there is none to be had: the server's log then says why. `id`
  /// tells it from whatever else may come to bear its handle.
  static std::shared_ptr<Image> make_shared(std::size_t bytes, std::uint64_t id);

  /// Shared memory that another session has made, or null if it is no longer there.
  static std::shared_ptr<Image> attach(dsm_handle handle, std::uint64_t id);

  ~Image();
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  char* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  bool is_shared() const { return segment_ != nullptr; }
  dsm_segment* segment() const { return segment_; }
  std::uint64_t id() const { return id_; }  ///< 0 if private

 private:
  explicit Image(std::size_t bytes) : bytes_(bytes) {}

  char* data_ = nullptr;
  std::size_t bytes_;
  dsm_segment* segment_ = nullptr;
  std::uint64_t id_ = 0;
};

}  // namespace als::pg
