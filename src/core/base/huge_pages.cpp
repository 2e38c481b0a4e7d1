// By madvise: many systems make large pages for those who ask, and for nobody else.
#include "core/base/huge_pages.h"

#include <sys/mman.h>

#include <memory>

namespace als {

void ask_for_huge_pages(void* begin, std::size_t bytes) {
#ifdef MADV_HUGEPAGE
  constexpr std::size_t kHugePage = std::size_t{1} << 21;
  // Nothing is lost where the first of them begins later, or none fits.
  if (std::align(kHugePage, kHugePage, begin, bytes) == nullptr) return;
  madvise(begin, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
#else
  static_cast<void>(begin);
  static_cast<void>(bytes);
#endif
}

}  // namespace als
