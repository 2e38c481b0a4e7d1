// How many processors and how much memory this process may use.
#include "core/base/machine_limits.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdint>

#include "core/base/cgroup_limits.h"

namespace als {

#if defined(__linux__)
int allowed_processors(int (*get)(pid_t, std::size_t, cpu_set_t*)) {
  // The kernel refuses a set that is smaller than its own, whose size it does not tell.
  constexpr int kMost = 1 << 20;
  for (int size = CPU_SETSIZE; size <= kMost; size *= 2) {
    cpu_set_t* set = CPU_ALLOC(size);
    if (set == nullptr) return 0;
    const std::size_t bytes = CPU_ALLOC_SIZE(size);
    CPU_ZERO_S(bytes, set);
    const bool known = get(0, bytes, set) == 0;
    const bool too_small = !known && errno == EINVAL;
    const int count = known ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (!too_small) return count;
  }
  return 0;
}
#endif

int usable_processors() {
  long processors = 0;
#if defined(__linux__)
  processors = allowed_processors(sched_getaffinity);
#endif
  if (processors < 1) processors = sysconf(_SC_NPROCESSORS_ONLN);
  const double quota = std::ceil(cgroup_limits().processors);
  return std::max(static_cast<int>(std::min(static_cast<double>(processors), quota)), 1);
}

std::size_t usable_memory() {
  const long pages = sysconf(_SC_PHYS_PAGES);
  const long page = sysconf(_SC_PAGESIZE);
  const std::size_t machine = pages > 0 && page > 0
                                  ? static_cast<std::size_t>(pages) * static_cast<std::size_t>(page)
                                  : SIZE_MAX;
  return std::min(machine, cgroup_limits().memory);
}

}  // namespace als
