// Memory for ratings on their way into compressed rows.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <new>
#include <vector>

namespace als {

/// Chunks of memory of one size. Those that are done with serve again, or go back to the system one
/// by one, so that a copy can grow while its original shrinks.
class ChunkPool {
 public:
  static constexpr std::size_t kChunkBytes = std::size_t{3} << 12;  ///< 1024 entries of 12 bytes

  struct Deleter {
    void operator()(char* memory) const {
      ::operator delete (memory, std::align_val_t{kPageBytes});
    }
  };
  /// Adjacent chunks.
  using Block = std::unique_ptr<char[], Deleter>;
  static Block make_block(std::size_t chunks);

  /// Whether the system takes single chunks back: its pages must not be larger.
  static bool can_release();

  /// Keeps a block whose chunks are in use until they are put back.
  void adopt(Block block) { blocks_.push_back(std::move(block)); }

  // These may be called from several threads.

  /// A chunk that nobody uses.
  void* take();
  /// Takes back a chunk whose memory will soon serve again.
  void put_back(void* chunk);
  /// Takes back a chunk, and lets the system have its pages meanwhile.
  void release(void* chunk);

 private:
  static constexpr std::size_t kPageBytes = 4096;
  static constexpr std::size_t kBlockChunks = 64;

  std::mutex mutex_;
  std::vector<Block> blocks_;
  std::vector<void*> unused_;
  const bool can_release_ = can_release();
};

}  // namespace als
