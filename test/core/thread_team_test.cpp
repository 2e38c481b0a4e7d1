#include "core/base/thread_team.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <mutex>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

namespace als {
namespace {

TEST(ThreadTeam, VisitsEveryIndexOnce) {
  for (const int threads : {1, 2, 4}) {
    ThreadTeam team(threads);
    for (const std::size_t n : {0, 1, 2, 7, 64, 1000}) {
      for (const std::size_t grain : {0, 1, 3, 64, 5000}) {
        std::vector<std::atomic<int>> visits(n);
        std::atomic<bool> thread_in_range{true};
        team.for_each_block(n, grain, [&](std::size_t begin, std::size_t end, int thread) {
          if (thread < 0 || thread >= threads) thread_in_range = false;
          for (std::size_t i = begin; i < end; ++i) ++visits[i];
        });
        for (const auto& count : visits) ASSERT_EQ(count, 1) << threads << " " << n << " " << grain;
        EXPECT_TRUE(thread_in_range);
      }
    }
  }
}

TEST(ThreadTeam, BlocksAreOfTheGrain) {
  ThreadTeam team(2);
  std::mutex mutex;
  std::vector<std::size_t> sizes;
  team.for_each_block(10, 4, [&](std::size_t begin, std::size_t end, int) {
    const std::lock_guard<std::mutex> lock(mutex);
    EXPECT_EQ(begin % 4, 0U);
    sizes.push_back(end - begin);
  });
  EXPECT_EQ(sizes.size(), 3U);
  EXPECT_EQ(std::accumulate(sizes.begin(), sizes.end(), std::size_t{0}), 10U);
}

TEST(ThreadTeam, FewerThanOneThreadIsOne) { EXPECT_EQ(ThreadTeam(0).threads(), 1); }

TEST(ThreadTeam, RethrowsAnExceptionAndStopsEarly) {
  for (const int threads : {1, 2, 4}) {
    ThreadTeam team(threads);
    std::atomic<int> blocks{0};
    try {
      team.for_each_block(100000, 1, [&](std::size_t begin, std::size_t, int) {
        ++blocks;
        if (begin == 5) throw std::runtime_error("five");
        std::this_thread::sleep_for(std::chrono::microseconds(10));
      });
      FAIL() << "no exception";
    } catch (const std::runtime_error& e) {
      EXPECT_STREQ(e.what(), "five");
    }
    EXPECT_LT(blocks, 100000);
    // The team is as good as new.
    std::atomic<int> again{0};
    team.for_each_block(10, 1, [&](std::size_t, std::size_t, int) { ++again; });
    EXPECT_EQ(again, 10);
  }
}

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

bool all_blocked(const sigset_t& set) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGALRM, SIGQUIT, SIGCHLD}) {
    if (sigismember(&set, signal) != 1) return false;
  }
  return true;
}

TEST(ThreadTeam, HelpersBlockSignalsAndTheCallerDoesNot) {
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  ASSERT_FALSE(all_blocked(before));
  std::atomic<int> helpers{0};
  std::atomic<int> open_helpers{0};
  std::atomic<int> masked_callers{0};
  ThreadTeam team(4);
  team.for_each_block(400, 1, [&](std::size_t, std::size_t, int thread) {
    sigset_t now;
    pthread_sigmask(SIG_SETMASK, nullptr, &now);
    if (thread == 0) {
      if (sigismember(&now, SIGUSR1) == 1) ++masked_callers;
    } else {
      ++helpers;
      if (!all_blocked(now)) ++open_helpers;
    }
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  });
  EXPECT_GT(helpers, 0);
  EXPECT_EQ(open_helpers, 0);
  EXPECT_EQ(masked_callers, 0);
  sigset_t after;
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  EXPECT_EQ(sigismember(&after, SIGUSR1), sigismember(&before, SIGUSR1));
}

std::atomic<long> handler_thread{0};

#if defined(__linux__)
TEST(ThreadTeam, HelpersStepBackAndTheCallerDoesNot) {
  const int before = getpriority(PRIO_PROCESS, 0);
  std::atomic<int> helper_niceness{-100};
  ThreadTeam team(2);
  // Until a helper has come.
  team.for_each_block(1000, 1, [&](std::size_t, std::size_t, int thread) {
    if (thread > 0) helper_niceness = getpriority(PRIO_PROCESS, 0);
    for (int wait = 0; wait < 100 && helper_niceness == -100; ++wait) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  EXPECT_EQ(helper_niceness, std::max(before, 10));
  EXPECT_EQ(getpriority(PRIO_PROCESS, 0), before);
}
#endif

TEST(ThreadTeam, ASignalOfTheProcessIsHandledOnTheCaller) {
  struct sigaction action {};
  struct sigaction old {};
  action.sa_handler = [](int) { handler_thread = static_cast<long>(gettid()); };
  sigaction(SIGUSR1, &action, &old);
  handler_thread = 0;
  ThreadTeam team(4);
  team.for_each_block(200, 1, [&](std::size_t begin, std::size_t, int) {
    if (begin == 20) kill(getpid(), SIGUSR1);
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  });
  EXPECT_EQ(handler_thread, static_cast<long>(gettid()));
  sigaction(SIGUSR1, &old, nullptr);
}

}  // namespace
}  // namespace als
