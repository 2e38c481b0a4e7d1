// A loop in blocks that threads take one by one, and the calling thread's watch over it.
#include "core/base/thread_team.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <thread>
#include <utility>

#include "core/base/helper_threads.h"
#include "core/base/spin_wait.h"

namespace als {
namespace {

constexpr std::chrono::microseconds kPollInterval{100};

}  // namespace

/// One loop over blocks of indexes, shared by the threads of a team.
class ThreadTeam::Loop {
 public:
  Loop(std::size_t n, std::size_t grain, const Body& body)
      : n_(n), grain_(grain), blocks_((n - 1) / grain + 1), body_(body) {}

  std::size_t blocks_left() const { return blocks_ - std::min(next_.load(), blocks_); }
  void stop() { stop_.store(true, std::memory_order_relaxed); }
  void resume() { stop_.store(false, std::memory_order_relaxed); }

  /// Runs the next block. False if there was none left, or none is to be begun. A block once begun
  /// is always run, so that none is lost when threads leave the loop early.
  bool run_block(int thread) noexcept {
    if (stop_.load(std::memory_order_relaxed)) return false;
    const std::size_t block = next_.fetch_add(1);
    if (block >= blocks_) return false;
    const std::size_t begin = block * grain_;
    try {
      body_(begin, std::min(n_ - begin, grain_) + begin, thread);
    } catch (...) {
      stop();
      if (!failed_.exchange(true)) error_ = std::current_exception();
    }
    return true;
  }

  /// Once no thread is in the loop.
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  const std::size_t n_;
  const std::size_t grain_;
  const std::size_t blocks_;
  const Body& body_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> stop_{false};
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;
};

ThreadTeam::ThreadTeam(int threads) : ThreadTeam(threads, nullptr, nullptr) {}

ThreadTeam::ThreadTeam(int threads, Poll poll, Interrupt interrupt)
    : threads_(std::max(threads, 1)), poll_(std::move(poll)), interrupt_(std::move(interrupt)) {}

ThreadTeam::ThreadTeam(ThreadTeam&&) noexcept = default;
ThreadTeam::~ThreadTeam() = default;

void ThreadTeam::for_each_block(std::size_t n, std::size_t grain, const Body& body,
                                const std::function<void()>& beside) {
  if (n == 0) {
    if (beside) beside();
    return;
  }
  Loop loop(n, std::max<std::size_t>(grain, 1), body);
  bool interrupted = asked_to_stop();
  for (bool first = true;; first = false) {
    if (interrupted && interrupt_) interrupt_();
    if (loop.blocks_left() == 0) return;
    loop.resume();
    interrupted = run(loop, first ? beside : nullptr);
    loop.rethrow();
  }
}

/// Works at the loop until it is done, or it was asked to stop, which it returns.
bool ThreadTeam::run(Loop& loop, const std::function<void()>& beside) {
  const HelperThreads::Job job = [&](int thread) { return loop.run_block(thread); };
  const std::size_t useful = loop.blocks_left() - (beside ? 0 : 1);
  const bool alone = threads_ == 1 || useful == 0;
  if (!alone) {
    if (helpers_ == nullptr) helpers_ = std::make_unique<HelperThreads>(threads_ - 1);
    helpers_->open(job, useful);
  }
  if (beside) {
    try {
      beside();
    } catch (...) {
      loop.stop();
      if (!alone) wait_for_helpers();
      throw;
    }
  }
  bool interrupted = false;
  // A block comes before the first look, so that a poll that stays true (the server may hold
  // interrupts off) cannot keep the loop from going on.
  while (!interrupted && loop.run_block(0)) interrupted = asked_to_stop();
  loop.stop();
  if (!alone) interrupted = wait_for_helpers() || interrupted;
  return interrupted;
}

/// Until no helper is in a block. True if the caller was asked to stop meanwhile.
bool ThreadTeam::wait_for_helpers() {
  const auto done = [&] { return !helpers_->busy(); };
  helpers_->close();
  bool interrupted = false;
  if (spin_wait(done)) return interrupted;
  while (!done()) {
    interrupted = interrupted || asked_to_stop();
    // Asleep, it leaves its processor to a helper that may need one.
    std::this_thread::sleep_for(kPollInterval);
  }
  return interrupted;
}

}  // namespace als
