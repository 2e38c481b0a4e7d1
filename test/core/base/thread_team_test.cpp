#include "core/base/thread_team.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
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

TEST(ThreadTeam, DoesSomethingElseBesideALoop) {
  for (const int threads : {1, 2, 4}) {
    ThreadTeam team(threads);
    for (const std::size_t n : {0, 1, 50}) {
      std::atomic<std::size_t> visits{0};
      int calls = 0;
      const std::thread::id caller = std::this_thread::get_id();
      team.for_each_block(
          n, 1, [&](std::size_t, std::size_t, int) { ++visits; },
          [&] {
            ++calls;
            EXPECT_EQ(std::this_thread::get_id(), caller);
            if (threads == 1) {
              EXPECT_EQ(visits, 0U);
            }
            // A helper gets on with the loop meanwhile.
            const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
            while (threads > 1 && visits < n && std::chrono::steady_clock::now() < deadline)
              std::this_thread::yield();
          });
      EXPECT_EQ(calls, 1);
      EXPECT_EQ(visits, n);
    }
  }
}

TEST(ThreadTeam, AnExceptionBesideALoopEndsIt) {
  for (const int threads : {1, 3}) {
    ThreadTeam team(threads);
    std::atomic<int> running{0};
    std::atomic<int> visits{0};
    const auto body = [&](std::size_t, std::size_t, int) {
      ++running;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      ++visits;
      --running;
    };
    EXPECT_THROW(team.for_each_block(100000, 1, body, [] { throw std::runtime_error("stop"); }),
                 std::runtime_error);
    EXPECT_EQ(running, 0);
    EXPECT_LT(visits, 100000);
    team.for_each_block(10, 1, body);
    EXPECT_EQ(running, 0);
  }
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
      for (int wait = 0; wait < 5000 && helpers == 0; ++wait) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
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

#if defined(__linux__)

std::size_t threads_of_process() {
  const std::filesystem::directory_iterator threads("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(threads), end(threads)));
}

/// One that has been joined may still be on its way out of the system's list.
void expect_threads(std::size_t n) {
  for (int wait = 0; wait < 1000 && threads_of_process() > n; ++wait) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(threads_of_process(), n);
}

TEST(ThreadTeam, HelpersComeWhenNeededAndEndWithTheTeam) {
  const std::size_t before = threads_of_process();
  {
    ThreadTeam team(3);
    team.for_each_block(10, 10, [](std::size_t, std::size_t, int) {});
    EXPECT_EQ(threads_of_process(), before);
    team.for_each_block(10, 1, [](std::size_t, std::size_t, int) {});
    EXPECT_EQ(threads_of_process(), before + 2);
    team.rest();
    expect_threads(before);
    team.for_each_block(10, 1, [](std::size_t, std::size_t, int) {});
    EXPECT_EQ(threads_of_process(), before + 2);
  }
  expect_threads(before);
}

TEST(ThreadTeam, IdleHelpersSleep) {
  ThreadTeam team(4);
  team.for_each_block(100, 1, [](std::size_t, std::size_t, int) {});
  const std::clock_t before = std::clock();
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  EXPECT_LT(std::clock() - before, CLOCKS_PER_SEC / 20);
}

void pin_to(int processor) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(processor, &set);
  sched_setaffinity(0, sizeof(set), &set);
}

// A helper that hardly ever gets a processor must not hold up loops that the caller can do alone.
TEST(ThreadTeam, NeverWaitsForAHelperThatIsNotAtWork) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0 || CPU_COUNT(&allowed) < 2) {
    GTEST_SKIP() << "needs two processors";
  }
  int taken = 0;
  while (!CPU_ISSET(taken, &allowed)) ++taken;
  CPU_CLR(taken, &allowed);

  std::atomic<bool> stop{false};
  std::thread busy([&] {
    pin_to(taken);
    while (!stop) {
    }
  });
  ThreadTeam team(2);
  std::atomic<bool> helper_pinned{false};
  while (!helper_pinned) {
    team.for_each_block(2, 1, [&](std::size_t, std::size_t, int thread) {
      if (thread == 0) {
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      } else {
        sched_param none{};
        sched_setscheduler(0, SCHED_IDLE, &none);
        pin_to(taken);
        helper_pinned = true;
      }
    });
  }
  sched_setaffinity(0, sizeof(allowed), &allowed);
  std::vector<double> milliseconds;
  for (int loop = 0; loop < 100; ++loop) {
    const auto began = std::chrono::steady_clock::now();
    team.for_each_block(8, 1, [](std::size_t, std::size_t, int) {});
    milliseconds.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began)
            .count());
  }
  stop = true;
  busy.join();
  CPU_SET(taken, &allowed);
  sched_setaffinity(0, sizeof(allowed), &allowed);
  // Most loops: this thread itself may be put aside on a busy machine.
  std::nth_element(milliseconds.begin(), milliseconds.begin() + 80, milliseconds.end());
  EXPECT_LT(milliseconds[80], 2);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
[[noreturn]] void work_where_no_thread_can_start() {
  std::vector<std::atomic<int>> visits(100);
  const rlimit no_more{0, RLIM_INFINITY};
  setrlimit(RLIMIT_AS, &no_more);  // and so none for a thread's stack
  int threads = 0;
  {
    ThreadTeam team(4);
    team.for_each_block(visits.size(), 1, [&](std::size_t begin, std::size_t, int thread) {
      ++visits[begin];
      threads = std::max(threads, thread + 1);
    });
  }
  const bool whole =
      std::all_of(visits.begin(), visits.end(), [](const auto& visit) { return visit == 1; });
  std::_Exit(whole && threads == 1 ? 0 : 1);
}

// In a process of its own, which the limit stays with; begun anew, since a mere fork has the stacks
// of threads that ended before, which the C library keeps for the next ones.
TEST(ThreadTeam, DoesWithoutThreadsThatTheSystemRefuses) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(work_where_no_thread_can_start(), testing::ExitedWithCode(0), "");
}
#endif

#endif

}  // namespace
}  // namespace als
