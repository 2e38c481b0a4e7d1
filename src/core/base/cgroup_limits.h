// What the control groups of a container or a service leave to a process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

namespace als {

/// Where Linux says which control groups a process is in, and where their files are.
struct CgroupFiles {
  std::string groups = "/proc/self/cgroup";
  std::string mounts = "/proc/self/mountinfo";
};

struct CgroupLimits {
  std::size_t memory = SIZE_MAX;                                ///< bytes
  double processors = std::numeric_limits<double>::infinity();  ///< their time, on average
};

/// The tightest limits of version 1 or 2 from the process's groups up to the root. What cannot be
/// read limits nothing.
CgroupLimits cgroup_limits(const CgroupFiles& files = {});

}  // namespace als
