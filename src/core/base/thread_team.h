// A team of threads that the server can interrupt.
#pragma once

#include <cstddef>
#include <functional>

namespace als {

/// Splits loops over a team of OpenMP threads while the calling thread, which takes part in the
/// work, keeps watching for a reason to stop.
///
/// The helpers run at a low priority, so that a team as large as the machine starves nobody. They
/// run with every signal blocked, so that a handler of the host process only ever runs on the
/// calling thread. They touch nothing of the host: they see the loop body and one atomic flag.
class ThreadTeam {
 public:
  /// Called often on the calling thread, inside the parallel region; must be cheap and must not
  /// throw. True asks all threads to leave the region at the end of the block they are in.
  using Poll = std::function<bool()>;

  /// Called on the calling thread after all threads have left the region because poll() was true.
  /// It may throw to abandon the loop; when it returns, the loop goes on where it was left.
  using Interrupt = std::function<void()>;

  /// body(begin, end, thread): indexes [begin, end), thread in [0, threads()).
  using Body = std::function<void(std::size_t begin, std::size_t end, int thread)>;

  /// A team without anything to watch for.
  explicit ThreadTeam(int threads);
  ThreadTeam(int threads, Poll poll, Interrupt interrupt);

  int threads() const { return threads_; }

  /// Calls body over [0, n) in blocks of `grain` indexes, handed out dynamically. Every index is
  /// visited exactly once unless an exception ends the loop: the first exception thrown by body or
  /// by the interrupt handler is rethrown here. A block should take well under 100 ms.
  void for_each_block(std::size_t n, std::size_t grain, const Body& body);

 private:
  int threads_;
  Poll poll_;
  Interrupt interrupt_;
};

}  // namespace als
