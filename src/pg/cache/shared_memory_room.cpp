// How much shared memory the segments of models may take.
#include "pg/cache/shared_memory_room.h"

#include <sys/statvfs.h>

#include "pg/server/pg.h"

namespace als::pg {

namespace {

/// Two joins of three processes, each with the default work_mem times hash_mem_multiplier.
constexpr std::size_t kLeftToParallelPlans = std::size_t{2 * 3 * 2 * 4} << 20;

/// Where the files of shared memory are; null where there are none.
const char* folder() {
  switch (dynamic_shared_memory_type) {
    case DSM_IMPL_POSIX:
      return "/dev/shm";
    case DSM_IMPL_MMAP:
      return PG_DYNSHMEM_DIR;  // in the data directory, which is the current one
    default:
      return nullptr;
  }
}

}  // namespace

std::optional<std::size_t> free_shared_memory() {
  struct statvfs status {};
  if (folder() == nullptr || statvfs(folder(), &status) != 0) return std::nullopt;
  return static_cast<std::size_t>(status.f_bavail) * status.f_frsize;
}

std::size_t our_share(std::optional<std::size_t> free, std::size_t ours) {
  if (!free) return SIZE_MAX;
  const std::size_t all = *free + ours;
  const std::size_t left = std::max(all / 2, kLeftToParallelPlans);
  return all - std::min(all, left);
}

}  // namespace als::pg
