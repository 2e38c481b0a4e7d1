// Chunks of memory from blocks, handed out and taken back by any thread.
#include "core/data/chunk_pool.h"

#include <sys/mman.h>
#include <unistd.h>

namespace als {

ChunkPool::Block ChunkPool::make_block(std::size_t chunks) {
  return Block(
      static_cast<char*>(::operator new (chunks* kChunkBytes, std::align_val_t{kPageBytes})));
}

bool ChunkPool::can_release() { return sysconf(_SC_PAGESIZE) == kPageBytes; }

void* ChunkPool::take() {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (unused_.empty()) {
    unused_.reserve(kBlockChunks);
    blocks_.push_back(make_block(kBlockChunks));
    for (std::size_t c = kBlockChunks; c-- > 0;) {
      unused_.push_back(blocks_.back().get() + c * kChunkBytes);
    }
  }
  void* chunk = unused_.back();
  unused_.pop_back();
  return chunk;
}

void ChunkPool::put_back(void* chunk) {
  const std::lock_guard<std::mutex> lock(mutex_);
  unused_.push_back(chunk);
}

void ChunkPool::release(void* chunk) {
  // Only advice: where it is not taken, the memory goes back with the pool.
  if (can_release_) madvise(chunk, kChunkBytes, MADV_DONTNEED);
  put_back(chunk);
}

}  // namespace als
