// A team of threads that the server can interrupt.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace als {

class HelperThreads;

/// Splits loops over threads of its own, while the calling thread, which takes part in the work,
/// keeps watching for a reason to stop.
///
/// A loop is over when its blocks are done. The caller can do all of them: it waits for blocks that
/// a helper has begun, never for a helper to come or to leave, because on a busy machine the system
/// may let that wait for long. For the same reason helpers have the caller's priority: one with a
/// lower would be put aside in the middle of a block.
///
/// The helpers start with the first loop that has work for them, sleep when there is none, and end
/// with the team. Where the system refuses to start a thread there are fewer. They run with every
/// signal blocked, so that a handler of the host process only ever runs on the calling thread. They
/// touch nothing of the host: they see the loop body and a few atomic variables.
class ThreadTeam {
 public:
  /// Called often on the calling thread, in the middle of a loop; must be cheap and must not
  /// throw. True asks all threads to leave the loop at the end of the block they are in.
  using Poll = std::function<bool()>;

  /// Called on the calling thread after all threads have left the loop because poll() was true.
  /// It may throw to abandon the loop; when it returns, the loop goes on where it was left.
  using Interrupt = std::function<void()>;

  /// body(begin, end, thread): indexes [begin, end), thread in [0, threads()).
  using Body = std::function<void(std::size_t begin, std::size_t end, int thread)>;

  /// A team without anything to watch for.
  explicit ThreadTeam(int threads);
  ThreadTeam(int threads, Poll poll, Interrupt interrupt);
  ThreadTeam(ThreadTeam&&) noexcept;
  ~ThreadTeam();

  /// What it was made for; there may be fewer.
  int threads() const { return threads_; }

  /// Calls body over [0, n) in blocks of `grain` indexes, handed out dynamically. Every index is
  /// visited exactly once unless an exception ends the loop: the first exception thrown by body or
  /// by the interrupt handler is rethrown here. A block should take well under 100 ms.
  void for_each_block(std::size_t n, std::size_t grain, const Body& body) {
    for_each_block(n, grain, body, nullptr);
  }

  /// For the body of a loop whose blocks may take long, in the middle of one: leaves the block, by
  /// an exception that is not std::exception, if threads are asked to stop. If the loop goes on
  /// then, the block is run anew, and not left again: so a poll that stays true cannot keep it from
  /// going on. What a block that is left has done must not matter.
  void leave_if_asked(int thread);

  /// The same, but the calling thread does something else first, while helpers are at the loop
  /// already: beside(), if not null. It may throw, which ends the loop too.
  void for_each_block(std::size_t n, std::size_t grain, const Body& body,
                      const std::function<void()>& beside);

  /// Ends its helpers, which otherwise sleep until the next loop. That makes others.
  void rest();

  /// For a process that ends in the middle of a beside(), past all destructors: returns when no
  /// helper of the calling thread's teams is in a block, so that what they read may go.
  static void leave_loops();

 private:
  class Loop;

  bool run(Loop& loop, const std::function<void()>& beside);
  bool wait_for_helpers();
  bool asked_to_stop() const { return poll_ && poll_(); }

  int threads_;
  Poll poll_;
  Interrupt interrupt_;
  std::unique_ptr<HelperThreads> helpers_;  // none until they are needed
  Loop* loop_ = nullptr;                    // while one runs
  ThreadTeam* outer_ = nullptr;             // in whose beside() this one's runs
};

}  // namespace als
