// Large memory in large pages.
#pragma once

#include <cstddef>

namespace als {

/// Asks the system for pages of 2 MB where whole ones fit, to be called before the memory is first
/// written to. Whoever reads here and there in it then waits less often for the address of a page.
/// A wish: where the system has no such pages nothing happens.
void ask_for_huge_pages(void* begin, std::size_t bytes);

}  // namespace als
