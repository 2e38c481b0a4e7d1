// Threads that wait for a job, do it beside the thread that owns them, and wait again.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace als {

/// Helpers of one thread, which opens a job, works at it itself, and closes it. A job is done piece
/// by piece: the owner waits for pieces that have been begun, never for a helper that is late.
///
/// They are started with every signal blocked, and keep it so. Where the system refuses to start
/// one, there are fewer.
class HelperThreads {
 public:
  /// Does one piece as thread `thread`. False if there was none left. Must not throw.
  using Job = std::function<bool(int thread)>;

  /// Threads 1 to n.
  explicit HelperThreads(int n);
  ~HelperThreads();
  HelperThreads(const HelperThreads&) = delete;
  HelperThreads& operator=(const HelperThreads&) = delete;

  /// Lets helpers at the job, of which so many are of use.
  void open(const Job& job, std::size_t useful);

  /// Helpers begin no more pieces. The job must stay until none is busy.
  void close() { job_.store(nullptr); }

  /// Whether a helper is in the middle of a piece.
  bool busy() const { return busy_.load() > 0; }

 private:
  void run(int thread);
  bool wait_for_job(std::uint64_t& seen);
  void help(int thread);

  std::vector<std::thread> threads_;
  std::atomic<const Job*> job_{nullptr};
  std::atomic<int> busy_{0};
  std::atomic<std::uint64_t> jobs_{0};  // opened so far
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ended_ = false;
};

}  // namespace als
