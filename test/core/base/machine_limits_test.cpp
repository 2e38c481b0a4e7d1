#include "core/base/machine_limits.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "core/base/cgroup_limits.h"

namespace als {
namespace {

namespace fs = std::filesystem;

/// The files of a machine that is made up.
class CgroupLimitsTest : public testing::Test {
 protected:
  CgroupLimitsTest() {
    std::string pattern = (fs::temp_directory_path() / "als_cgroups.XXXXXX").string();
    root_ = mkdtemp(pattern.data());
  }
  ~CgroupLimitsTest() override { fs::remove_all(root_); }

  void write(const std::string& file, const std::string& text) const {
    const fs::path path = root_ / file;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }

  /// `type` and `options` as the kernel has them; the folder is one of ours.
  void mount(const std::string& root, const std::string& folder, const std::string& type,
             const std::string& options) {
    mounts_ += "31 23 0:28 " + root + " " + (root_ / folder).string() + " rw,nosuid shared:9 - " +
               type + " cgroup rw" + (options.empty() ? "" : "," + options) + "\n";
  }

  CgroupLimits limits(const std::string& groups) const {
    write("groups", groups);
    write("mounts", "22 1 8:1 / / rw - ext4 /dev/root rw\n" + mounts_);
    return cgroup_limits({(root_ / "groups").string(), (root_ / "mounts").string()});
  }

  fs::path root_;
  std::string mounts_;
};

TEST_F(CgroupLimitsTest, NothingIsLimitedWhereNothingIsSaid) {
  const CgroupLimits none = cgroup_limits({"/nonexistent", "/nonexistent"});
  EXPECT_EQ(none.memory, SIZE_MAX);
  EXPECT_TRUE(std::isinf(none.processors));
  EXPECT_EQ(limits("garbage\n0::\n\n").memory, SIZE_MAX);
}

TEST_F(CgroupLimitsTest, OfVersion2) {
  mount("/", "cgroup", "cgroup2", "nsdelegate");
  write("cgroup/service/als/memory.max", "max\n");
  write("cgroup/service/als/cpu.max", "max 100000\n");
  EXPECT_EQ(limits("0::/service/als\n").memory, SIZE_MAX);
  EXPECT_TRUE(std::isinf(limits("0::/service/als\n").processors));
  write("cgroup/service/als/memory.max", "1073741824\n");
  write("cgroup/service/als/cpu.max", "150000 100000\n");
  EXPECT_EQ(limits("0::/service/als\n").memory, std::size_t{1} << 30);
  EXPECT_EQ(limits("0::/service/als\n").processors, 1.5);
  EXPECT_EQ(limits("0::/another\n").memory, SIZE_MAX);
}

TEST_F(CgroupLimitsTest, AreTheTightestOnTheWayUp) {
  mount("/", "cgroup", "cgroup2", "");
  write("cgroup/service/als/memory.max", "8000000\n");
  write("cgroup/service/als/cpu.max", "800000 100000\n");
  write("cgroup/service/memory.max", "5000000\n");
  write("cgroup/service/cpu.max", "50000 100000\n");
  write("cgroup/memory.max", "6000000\n");
  EXPECT_EQ(limits("0::/service/als\n").memory, 5000000U);
  EXPECT_EQ(limits("0::/service/als\n").processors, 0.5);
}

TEST_F(CgroupLimitsTest, OfVersion1) {
  mount("/", "memory", "cgroup", "memory");
  mount("/", "cpu", "cgroup", "cpu,cpuacct");
  mount("/", "unified", "cgroup2", "");
  write("memory/a/b/memory.limit_in_bytes", "9223372036854771712\n");
  write("memory/a/memory.limit_in_bytes", "3000000\n");
  write("cpu/c/cpu.cfs_quota_us", "300000\n");
  write("cpu/c/cpu.cfs_period_us", "100000\n");
  write("cpu/cpu.cfs_quota_us", "-1\n");
  write("cpu/cpu.cfs_period_us", "100000\n");
  // A hierarchy's group says nothing about another's.
  write("cpu/a/cpu.cfs_quota_us", "1\n");
  write("cpu/a/cpu.cfs_period_us", "100000\n");
  const CgroupLimits found = limits("5:memory:/a/b\n4:cpu,cpuacct:/c\n0::/\n");
  EXPECT_EQ(found.memory, 3000000U);
  EXPECT_EQ(found.processors, 3);
  EXPECT_EQ(limits("5:memory:/\n").memory, SIZE_MAX);
}

// A container sees its own group at the mount's folder, whatever the group is called outside.
TEST_F(CgroupLimitsTest, OfAContainer) {
  mount("/docker/1f", "memory", "cgroup", "memory");
  write("memory/memory.limit_in_bytes", "4000000\n");
  write("memory/inner/memory.limit_in_bytes", "2000000\n");
  EXPECT_EQ(limits("5:memory:/docker/1f\n").memory, 4000000U);
  EXPECT_EQ(limits("5:memory:/docker/1f/inner\n").memory, 2000000U);
  EXPECT_EQ(limits("5:memory:/docker/1f2\n").memory, 4000000U);
  EXPECT_EQ(limits("5:memory:/\n").memory, 4000000U);
}

TEST(MachineLimits, AreOfThisMachine) {
  EXPECT_GE(usable_processors(), 1);
  EXPECT_LE(usable_processors(), sysconf(_SC_NPROCESSORS_CONF));
  EXPECT_GT(usable_memory(), std::size_t{1} << 20);
  EXPECT_LE(usable_memory(), static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) *
                                 static_cast<std::size_t>(sysconf(_SC_PAGESIZE)));
}

#if defined(__linux__)
TEST(MachineLimits, AMachineMayHaveMoreThan1024Processors) {
  const auto get = [](pid_t, std::size_t bytes, cpu_set_t* set) {
    if (bytes * 8 < 4000) {
      errno = EINVAL;
      return -1;
    }
    for (int processor = 0; processor < 3000; ++processor) CPU_SET_S(processor, bytes, set);
    return 0;
  };
  EXPECT_EQ(allowed_processors(get), 3000);
}

TEST(MachineLimits, AnAffinityThatCannotBeReadIsNone) {
  EXPECT_EQ(allowed_processors([](pid_t, std::size_t, cpu_set_t*) {
              errno = EPERM;
              return -1;
            }),
            0);
  EXPECT_EQ(allowed_processors([](pid_t, std::size_t, cpu_set_t*) {
              errno = EINVAL;
              return -1;
            }),
            0);
}
#endif

}  // namespace
}  // namespace als
