// Memory that asks for large pages.
#include "core/base/huge_pages.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <string>

namespace als {
namespace {

constexpr std::size_t kBytes = std::size_t{1} << 24;

/// What the kernel has been told about the memory that an address is in; "hg": large pages.
std::string flags_at(const char* address) {
  const auto wanted = reinterpret_cast<std::uintptr_t>(address);
  std::ifstream smaps("/proc/self/smaps");
  std::string line;
  for (bool inside = false; std::getline(smaps, line);) {
    unsigned long begin = 0;
    unsigned long end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2)
      inside = begin <= wanted && wanted < end;
    if (inside && line.rfind("VmFlags:", 0) == 0) return line + " ";
  }
  return "";
}

class HugePages : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled"))
      GTEST_SKIP() << "this system has none";
    void* memory =
        mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    memory_ = static_cast<char*>(memory);
  }
  void TearDown() override {
    if (memory_ != nullptr) munmap(memory_, kBytes);
  }
  char* memory_ = nullptr;
};

TEST_F(HugePages, AreAskedForWhereWholeOnesFit) {
  ask_for_huge_pages(memory_ + 64, kBytes - 128);
  EXPECT_NE(flags_at(memory_ + kBytes / 2).find(" hg "), std::string::npos);
}

TEST_F(HugePages, AreNotAskedForInLessThanOne) {
  ask_for_huge_pages(memory_ + 64, 4096);
  ask_for_huge_pages(memory_, 0);
  EXPECT_EQ(flags_at(memory_ + kBytes / 2).find(" hg "), std::string::npos);
  EXPECT_EQ(flags_at(memory_).find(" hg "), std::string::npos);
}

}  // namespace
}  // namespace als
