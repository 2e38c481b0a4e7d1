// What this process may use of the machine.
#pragma once

#include <cstddef>
#if defined(__linux__)
#include <sched.h>
#endif

namespace als {

/// Processors that the process may run on, and has the time of: at least one.
int usable_processors();

/// Bytes of memory that the process may use: the machine's, or what a container leaves of them.
std::size_t usable_memory();

#if defined(__linux__)
/// How many processors `get`, which is or behaves like sched_getaffinity, allows; 0 if it fails.
int allowed_processors(int (*get)(pid_t, std::size_t, cpu_set_t*));
#endif

}  // namespace als
