// Starts threads under a full signal mask, hands them loops, and joins them.
#include "core/base/helper_threads.h"

#include <csignal>
#include <new>
#include <system_error>

#include "core/base/spin_wait.h"

namespace als {
namespace {

/// Blocks every signal for this thread and those that it starts.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

}  // namespace

HelperThreads::HelperThreads(int n) {
  threads_.reserve(static_cast<std::size_t>(n));
  const SignalsBlocked blocked;
  try {
    for (int thread = 1; thread <= n; ++thread) threads_.emplace_back([=] { run(thread); });
  } catch (const std::system_error&) {
    // A limit on processes or threads: the work gets done without.
  } catch (const std::bad_alloc&) {
  }
}

HelperThreads::~HelperThreads() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
    jobs_.fetch_add(1);
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void HelperThreads::open(const Job& job, std::size_t useful) {
  job_.store(&job);
  {
    // Between a helper's last look and its sleep the lock is held.
    const std::lock_guard<std::mutex> lock(mutex_);
    jobs_.fetch_add(1);
  }
  if (useful >= threads_.size()) {
    wake_.notify_all();
  } else {
    for (std::size_t n = 0; n < useful; ++n) wake_.notify_one();
  }
}

void HelperThreads::run(int thread) {
  std::uint64_t seen = 0;
  while (wait_for_job(seen)) help(thread);
}

/// False at the end.
bool HelperThreads::wait_for_job(std::uint64_t& seen) {
  const auto is_new = [&] { return jobs_.load() != seen; };
  // The next loop often follows at once; then it is not worth sleeping.
  spin_wait(is_new);
  std::unique_lock<std::mutex> lock(mutex_);
  wake_.wait(lock, is_new);
  seen = jobs_.load();
  return !ended_;
}

void HelperThreads::help(int thread) {
  for (bool more = true; more;) {
    // Counted before it looks for the job: an owner that has closed it and finds nobody counted
    // knows that nobody has it.
    busy_.fetch_add(1);
    const Job* job = job_.load();
    more = job != nullptr && (*job)(thread);
    busy_.fetch_sub(1);
  }
}

}  // namespace als
