// What this process has in memory of its own.
#pragma once

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

namespace als {

/// Or 0 where the system does not tell, or an allocator other than glibc's keeps what is freed.
inline std::size_t resident_bytes() {
  std::size_t kilobytes = 0;
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (std::sscanf(line.c_str(), "RssAnon: %zu", &kilobytes) == 1) break;
#endif
  return kilobytes * 1024;
}

}  // namespace als
