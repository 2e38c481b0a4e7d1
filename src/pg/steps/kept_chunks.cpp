// Unpacks chunks once, within a limit.
#include "pg/steps/kept_chunks.h"

#include <map>
#include <tuple>

#include "pg/server/settings.h"
#include "pg/steps/kept_to_end.h"

namespace als::pg {

namespace {

struct KeptChunks {
  template <class Rows>
  struct Kept {
    std::uint64_t fingerprint;
    std::shared_ptr<const Rows> rows;
  };
  template <class Rows>
  using Half = std::map<std::pair<std::uint32_t, std::uint32_t>, Kept<Rows>>;

  std::size_t bytes = 0;
  std::tuple<Half<ChunkByUser>, Half<ChunkByItem>> halves;
};

/// read(): the bytes of the half; first: the first of them.
template <class Rows, class Read>
std::shared_ptr<const Rows> kept_or_read(ByteView first, Read&& read) {
  const std::uint64_t fingerprint = fingerprint_of_chunk(first);
  const ChunkId id = facts_of_chunk(first).id;
  auto& all = kept_to_end<KeptChunks>();
  auto& half = std::get<KeptChunks::Half<Rows>>(all.halves);
  const auto found = half.find({id.part, id.number});
  if (found != half.end() && found->second.fingerprint == fingerprint) return found->second.rows;
  auto rows = std::make_shared<const Rows>(read());
  if (found != half.end()) {  // of another training in the same transaction
    all.bytes -= found->second.rows->bytes();
    half.erase(found);
  }
  if (rows->bytes() <= max_memory() / 4 && all.bytes <= max_memory() / 4 - rows->bytes()) {
    half[{id.part, id.number}] = {fingerprint, rows};
    all.bytes += rows->bytes();
  }
  return rows;
}

}  // namespace

std::shared_ptr<const ChunkByUser> unpacked_by_user(const StoredChunk& chunk) {
  return kept_or_read<ChunkByUser>(chunk.first_by_user(), [&] { return chunk.by_user(); });
}

std::shared_ptr<const ChunkByItem> unpacked_by_item(const StoredChunk& chunk) {
  return kept_or_read<ChunkByItem>(chunk.first_by_item(), [&] { return chunk.by_item(); });
}

}  // namespace als::pg
