// A loop in blocks that threads take one by one, and the calling thread's watch over it.
#include "core/base/thread_team.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/helper_threads.h"
#include "core/base/spin_wait.h"

namespace als {
namespace {

constexpr std::chrono::microseconds kPollInterval{100};

// Whose beside() runs on this thread, the innermost.
thread_local ThreadTeam* beside_of = nullptr;

}  // namespace

/// One loop over blocks of indexes, shared by the threads of a team.
class ThreadTeam::Loop {
 public:
  Loop(std::size_t n, std::size_t grain, const Body& body, int threads)
      : n_(n),
        grain_(grain),
        blocks_((n - 1) / grain + 1),
        body_(body),
        anew_(static_cast<std::size_t>(threads)) {}

  std::size_t blocks_left() const {
    return blocks_ - std::min(next_.load(), blocks_) + left_.size();
  }
  void stop() { stop_.store(true, std::memory_order_relaxed); }
  void ask_to_leave() {
    leave_.store(true, std::memory_order_relaxed);
    stop();
  }
  void resume() {
    leave_.store(false, std::memory_order_relaxed);
    stop_.store(false, std::memory_order_relaxed);
  }

  /// Runs the next block. False if there was none left, or none is to be begun. A block once begun
  /// is always run, or kept to be begun anew, so that none is lost when threads leave early.
  bool run_block(int thread) noexcept {
    if (stop_.load(std::memory_order_relaxed)) return false;
    const std::optional<std::size_t> left = take_left();
    anew_[static_cast<std::size_t>(thread)] = left.has_value() ? 1 : 0;
    const std::size_t block = left ? *left : next_.fetch_add(1);
    if (block >= blocks_) return false;
    const std::size_t begin = block * grain_;
    try {
      body_(begin, std::min(n_ - begin, grain_) + begin, thread);
    } catch (const Left&) {
      const std::lock_guard<std::mutex> lock(mutex_);
      left_.push_back(block);
    } catch (...) {
      stop();
      if (!failed_.exchange(true)) error_ = std::current_exception();
    }
    return true;
  }

  /// Leaves the block that this thread is in, unless it has been left before.
  void leave_if_asked(int thread) const {
    if (leave_.load(std::memory_order_relaxed) && anew_[static_cast<std::size_t>(thread)] == 0)
      throw Left{};
  }

  /// Once no thread is in the loop.
  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  struct Left {};

  /// The number of a block that has been left, if there is one.
  std::optional<std::size_t> take_left() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (left_.empty()) return std::nullopt;
    const std::size_t block = left_.back();
    left_.pop_back();
    return block;
  }

  const std::size_t n_;
  const std::size_t grain_;
  const std::size_t blocks_;
  const Body& body_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> stop_{false};
  std::atomic<bool> leave_{false};
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;
  std::mutex mutex_;
  std::vector<std::size_t> left_;  // blocks to begin anew
  std::vector<char> anew_;         // for each thread, whether it is in one of those
};

ThreadTeam::ThreadTeam(int threads) : ThreadTeam(threads, nullptr, nullptr) {}

ThreadTeam::ThreadTeam(int threads, Poll poll, Interrupt interrupt)
    : threads_(std::max(threads, 1)), poll_(std::move(poll)), interrupt_(std::move(interrupt)) {}

ThreadTeam::ThreadTeam(ThreadTeam&&) noexcept = default;
ThreadTeam::~ThreadTeam() = default;

void ThreadTeam::rest() { helpers_.reset(); }

void ThreadTeam::for_each_block(std::size_t n, std::size_t grain, const Body& body,
                                const std::function<void()>& beside) {
  if (n == 0) {
    if (beside) beside();
    return;
  }
  Loop loop(n, std::max<std::size_t>(grain, 1), body, threads_);
  bool interrupted = asked_to_stop();
  for (bool first = true;; first = false) {
    if (interrupted && interrupt_) interrupt_();
    if (loop.blocks_left() == 0) return;
    loop.resume();
    loop_ = &loop;
    interrupted = run(loop, first ? beside : nullptr);
    loop.rethrow();
  }
}

void ThreadTeam::leave_if_asked(int thread) {
  if (thread == 0 && asked_to_stop()) loop_->ask_to_leave();
  loop_->leave_if_asked(thread);
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
    outer_ = std::exchange(beside_of, this);
    try {
      beside();
      beside_of = outer_;
    } catch (...) {
      beside_of = outer_;
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
  if (interrupted) loop.ask_to_leave();
  if (!alone) interrupted = wait_for_helpers() || interrupted;
  return interrupted;
}

void ThreadTeam::leave_loops() {
  for (ThreadTeam* team = beside_of; team != nullptr; team = team->outer_) {
    team->loop_->ask_to_leave();
    if (team->helpers_ != nullptr) team->wait_for_helpers();
  }
}

/// Until no helper is in a block. True if the caller was asked to stop meanwhile.
bool ThreadTeam::wait_for_helpers() {
  const auto done = [&] { return !helpers_->busy(); };
  helpers_->close();
  bool interrupted = false;
  if (spin_wait(done)) return interrupted;
  while (!done()) {
    interrupted = interrupted || asked_to_stop();
    if (interrupted) loop_->ask_to_leave();
    // Asleep, it leaves its processor to a helper that may need one.
    std::this_thread::sleep_for(kPollInterval);
  }
  return interrupted;
}

}  // namespace als
