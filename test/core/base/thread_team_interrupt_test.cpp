// Loops of a team that are asked to stop.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

#include "core/base/thread_team.h"

namespace als {
namespace {

TEST(ThreadTeam, GoesOnAfterAnInterruptThatReturns) {
  for (const int threads : {1, 2, 4}) {
    const auto caller = std::this_thread::get_id();
    std::atomic<bool> wanted{false};
    std::atomic<bool> running{false};
    int interrupts = 0;
    bool on_caller = true;
    bool quiet = true;
    ThreadTeam team(
        threads,
        [&] {
          on_caller = on_caller && std::this_thread::get_id() == caller;
          return wanted.load();
        },
        [&] {
          on_caller = on_caller && std::this_thread::get_id() == caller;
          quiet = quiet && !running;
          wanted = false;
          ++interrupts;
        });
    std::vector<std::atomic<int>> visits(500);
    std::atomic<int> inside{0};
    team.for_each_block(visits.size(), 1, [&](std::size_t begin, std::size_t, int) {
      ++inside;
      running = true;
      ++visits[begin];
      if (begin % 100 == 50) wanted = true;
      std::this_thread::sleep_for(std::chrono::microseconds(20));
      if (--inside == 0) running = false;
    });
    for (const auto& count : visits) ASSERT_EQ(count, 1);
    EXPECT_GE(interrupts, 1) << threads;
    EXPECT_TRUE(on_caller);
    EXPECT_TRUE(quiet) << "a block was running during the interrupt";
  }
}

TEST(ThreadTeam, APollThatStaysTrueDoesNotStopTheLoop) {
  for (const int threads : {1, 2}) {
    int interrupts = 0;
    ThreadTeam team(
        threads, [] { return true; }, [&] { ++interrupts; });
    std::atomic<int> visits{0};
    team.for_each_block(50, 1, [&](std::size_t, std::size_t, int) { ++visits; });
    EXPECT_EQ(visits, 50);
    EXPECT_GE(interrupts, threads == 1 ? 50 : 1);
  }
}

TEST(ThreadTeam, AnInterruptThatThrowsAbandonsTheLoop) {
  for (const int threads : {1, 2, 4}) {
    std::atomic<bool> wanted{false};
    ThreadTeam team(
        threads, [&] { return wanted.load(); }, [] { throw std::logic_error("no"); });
    std::atomic<int> blocks{0};
    EXPECT_THROW(team.for_each_block(100000, 1,
                                     [&](std::size_t begin, std::size_t, int) {
                                       ++blocks;
                                       if (begin == 10) wanted = true;
                                       std::this_thread::sleep_for(std::chrono::microseconds(10));
                                     }),
                 std::logic_error);
    EXPECT_LT(blocks, 100000);
  }
}

TEST(ThreadTeam, IsInterruptedWhileOnlyAHelperWorks) {
  using Clock = std::chrono::steady_clock;
  std::atomic<bool> helper_started{false};
  std::atomic<bool> seen{false};
  ThreadTeam team(
      2,
      [&] {
        if (helper_started) seen = true;
        return false;
      },
      [] {});
  // Blocks are handed out in order; the helper holds its one until the caller has polled.
  team.for_each_block(2, 1, [&](std::size_t, std::size_t, int thread) {
    const auto limit = Clock::now() + std::chrono::seconds(5);
    if (thread == 0) {
      while (!helper_started && Clock::now() < limit) std::this_thread::yield();
    } else {
      helper_started = true;
      while (!seen && Clock::now() < limit) std::this_thread::yield();
    }
  });
  EXPECT_TRUE(seen);
}

// Blocks that would never end are left when the poll says so, and each is run to its end later,
// though the poll stays true.
TEST(ThreadTeam, LeavesBlocksThatTakeLong) {
  for (const int threads : {1, 3}) {
    std::atomic<bool> asked{false};
    int interrupts = 0;
    ThreadTeam team(
        threads, [&] { return asked.load(); }, [&] { ++interrupts; });
    std::vector<std::atomic<int>> begun(20);
    std::vector<std::atomic<int>> ended(20);
    team.for_each_block(20, 1, [&](std::size_t block, std::size_t, int thread) {
      if (begun[block]++ == 0) {
        for (;;) {
          if (thread == 0) asked = true;
          team.leave_if_asked(thread);
        }
      }
      ++ended[block];
    });
    EXPECT_GE(interrupts, 1);
    for (std::size_t block = 0; block < 20; ++block) {
      EXPECT_EQ(begun[block], 2);
      EXPECT_EQ(ended[block], 1);
    }
  }
}

// A loop that nobody interrupts does each block once: that the caller has none left is no reason.
TEST(ThreadTeam, LeavesNoBlockUnasked) {
  ThreadTeam team(
      2, [] { return false; }, [] {});
  std::vector<std::atomic<int>> begun(2);
  team.for_each_block(2, 1, [&](std::size_t block, std::size_t, int thread) {
    ++begun[block];
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
    while (thread != 0 && std::chrono::steady_clock::now() < end) team.leave_if_asked(thread);
  });
  for (const auto& count : begun) EXPECT_EQ(count, 1);
}

}  // namespace
}  // namespace als
