// A loop in blocks that threads take one by one, and the calling thread's watch over it.
#include "core/base/thread_team.h"

#include <omp.h>
#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <exception>
#include <thread>
#include <utility>

namespace als {
namespace {

constexpr std::chrono::microseconds kPollInterval{300};

// Of 19. The calling thread keeps its own: it may have to answer, and could not go back to it.
constexpr int kHelperNiceness = 10;

/// One loop over blocks of indexes, shared by the threads of a region. Outlives the region when
/// that is left for an interrupt.
class Loop {
 public:
  Loop(std::size_t n, std::size_t grain, const ThreadTeam::Body& body)
      : n_(n), grain_(grain), blocks_((n - 1) / grain + 1), body_(body) {}

  std::size_t blocks() const { return blocks_; }
  bool finished() const { return next_.load() >= blocks_; }
  bool stopped() const { return stop_.load(std::memory_order_relaxed); }
  bool busy() const { return busy_.load() > 0; }
  void stop() { stop_.store(true, std::memory_order_relaxed); }
  void resume() { stop_.store(false, std::memory_order_relaxed); }

  /// Runs the next block. False if there was none left. A block once taken is always run, so that
  /// none is lost when the region is left early.
  bool run_block(int thread) {
    // Counted before the block is taken: whoever finds no block left and nobody busy knows that
    // every block is done.
    busy_.fetch_add(1);
    const std::size_t block = next_.fetch_add(1);
    const bool taken = block < blocks_;
    if (taken) {
      const std::size_t begin = block * grain_;
      try {
        body_(begin, std::min(n_ - begin, grain_) + begin, thread);
      } catch (...) {
        stop();
        if (!failed_.exchange(true)) error_ = std::current_exception();
      }
    }
    busy_.fetch_sub(1);
    return taken;
  }

  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  const std::size_t n_;
  const std::size_t grain_;
  const std::size_t blocks_;
  const ThreadTeam::Body& body_;
  std::atomic<std::size_t> next_{0};
  std::atomic<int> busy_{0};
  std::atomic<bool> stop_{false};
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;
};

sigset_t every_signal() {
  sigset_t all;
  sigfillset(&all);
  return all;
}

/// Lets everybody else's threads go first, on Linux where each thread has a priority of its own: an
/// idle machine works for the team alone, a busy one hardly notices the helpers.
void step_back() {
#if defined(__linux__)
  static thread_local bool done = false;
  if (!done && getpriority(PRIO_PROCESS, 0) < kHelperNiceness) {
    setpriority(PRIO_PROCESS, 0, kHelperNiceness);
  }
  done = true;
#endif
}

/// What helpers do in a region.
void help(Loop& loop, int thread) {
  step_back();
  // The mask is inherited by a thread that this region starts, but not by one that the OpenMP
  // runtime keeps from a region of somebody else's.
  const sigset_t all = every_signal();
  pthread_sigmask(SIG_SETMASK, &all, nullptr);
  while (!loop.stopped() && loop.run_block(thread)) {
  }
}

/// What the calling thread does in a region. True if it was asked to stop.
bool lead(Loop& loop, const ThreadTeam::Poll& poll) {
  // The first block comes before the first look, so that a poll that stays true (the server may
  // hold interrupts off) cannot keep the loop from going on.
  while (!loop.stopped() && loop.run_block(0)) {
    if (poll && poll()) {
      loop.stop();
      return true;
    }
  }
  while (!loop.stopped() && loop.busy()) {
    if (poll && poll()) {
      loop.stop();
      return true;
    }
    std::this_thread::sleep_for(kPollInterval);
  }
  return false;
}

bool run_region(Loop& loop, int threads, const ThreadTeam::Poll& poll) {
  bool interrupted = false;
  const sigset_t all = every_signal();
  sigset_t before;
  pthread_sigmask(SIG_SETMASK, &all, &before);
#pragma omp parallel num_threads(threads)
  {
    const int thread = omp_get_thread_num();
    if (thread == 0) {
      pthread_sigmask(SIG_SETMASK, &before, nullptr);
      interrupted = lead(loop, poll);
    } else {
      help(loop, thread);
    }
  }
  return interrupted;
}

}  // namespace

ThreadTeam::ThreadTeam(int threads) : ThreadTeam(threads, nullptr, nullptr) {}

ThreadTeam::ThreadTeam(int threads, Poll poll, Interrupt interrupt)
    : threads_(std::max(threads, 1)), poll_(std::move(poll)), interrupt_(std::move(interrupt)) {}

void ThreadTeam::for_each_block(std::size_t n, std::size_t grain, const Body& body) {
  if (n == 0) return;
  Loop loop(n, std::max<std::size_t>(grain, 1), body);
  bool interrupted = poll_ && poll_();
  for (;;) {
    if (interrupted && interrupt_) interrupt_();
    if (loop.finished()) return;
    loop.resume();
    const bool alone = threads_ == 1 || loop.blocks() == 1;
    interrupted = alone ? lead(loop, poll_) : run_region(loop, threads_, poll_);
    loop.rethrow();
  }
}

}  // namespace als
