// A block of memory that serving reads.
#pragma once

#include "pg/server/guard.h"

namespace als::pg {

/// Memory without pointers inside, aligned to cache lines: either dynamic shared memory, which
/// other sessions can map too, or this session's own. Mapped as long as this object lives; not tied
/// to the transaction.
class Segment {
 public:
  /// Throws std::bad_alloc.
  static std::shared_ptr<Segment> make_private(std::size_t bytes);

  /// New shared memory, or null where there is none to be had: the server's log then says why. `id`
  /// tells it from whatever else may come to bear its handle.
  static std::shared_ptr<Segment> make_shared(std::size_t bytes, std::uint64_t id);

  /// Shared memory that another session has made, or null if it is no longer there.
  static std::shared_ptr<Segment> attach(dsm_handle handle, std::uint64_t id);

  ~Segment();
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;

  char* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  bool is_shared() const { return dsm_ != nullptr; }
  dsm_segment* dsm() const { return dsm_; }
  std::uint64_t id() const { return id_; }  ///< 0 if private

  /// Where the registry of segments has it; -1: nowhere.
  int slot() const { return slot_; }
  void set_slot(int slot) { slot_ = slot; }

 private:
  explicit Segment(std::size_t bytes) : bytes_(bytes) {}

  char* data_ = nullptr;
  std::size_t bytes_;
  dsm_segment* dsm_ = nullptr;
  std::uint64_t id_ = 0;
  int slot_ = -1;
};

}  // namespace als::pg
