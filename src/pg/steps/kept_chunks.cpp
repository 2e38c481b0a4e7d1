// Unpacks chunks once, within a limit.
#include "pg/steps/kept_chunks.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "pg/server/random_number.h"
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

template <class Rows>
KeptChunks::Half<Rows>& half_of(KeptChunks& all) {
  return std::get<KeptChunks::Half<Rows>>(all.halves);
}

bool fits(const KeptChunks& all, std::size_t bytes) {
  const std::size_t most = max_memory() / 4;
  return bytes <= most && all.bytes <= most - bytes;
}

/// Of another training in the same transaction.
template <class Rows>
void forget(KeptChunks& all, const ChunkId& id) {
  auto& half = half_of<Rows>(all);
  const auto found = half.find({id.part, id.number});
  if (found == half.end()) return;
  all.bytes -= found->second.rows->bytes();
  half.erase(found);
}

template <class Rows>
void keep(KeptChunks& all, std::uint64_t fingerprint, std::shared_ptr<const Rows> rows) {
  const ChunkId id = rows->facts.id;
  all.bytes += rows->bytes();
  half_of<Rows>(all)[{id.part, id.number}] = {fingerprint, std::move(rows)};
}

/// read(): the bytes of the half; first: the first of them.
template <class Rows, class Read>
std::shared_ptr<const Rows> kept_or_read(const StoredChunk& chunk, ByteView first, Read&& read) {
  const std::uint64_t kept = chunk.head().kept;
  const std::uint64_t fingerprint = kept == 0 ? fingerprint_of_chunk(first) : kept;
  const ChunkId id = facts_of_chunk(first).id;
  auto& all = kept_to_end<KeptChunks>();
  const auto& half = half_of<Rows>(all);
  const auto found = half.find({id.part, id.number});
  if (found != half.end() && found->second.fingerprint == fingerprint) return found->second.rows;
  if (kept != 0) throw InvalidBytes("a chunk is kept by another session");
  auto rows = std::make_shared<const Rows>(read());
  forget<Rows>(all, id);
  if (fits(all, rows->bytes())) keep<Rows>(all, fingerprint, rows);
  return rows;
}

}  // namespace

std::shared_ptr<const ChunkByUser> unpacked_by_user(const StoredChunk& chunk) {
  return kept_or_read<ChunkByUser>(chunk, chunk.first_by_user(), [&] { return chunk.by_user(); });
}

std::shared_ptr<const ChunkByItem> unpacked_by_item(const StoredChunk& chunk) {
  return kept_or_read<ChunkByItem>(chunk, chunk.first_by_item(), [&] { return chunk.by_item(); });
}

std::uint64_t keep_chunk(UnpackedChunk& chunk) {
  auto& all = kept_to_end<KeptChunks>();
  const ChunkId id = chunk.by_user.facts.id;
  forget<ChunkByUser>(all, id);
  forget<ChunkByItem>(all, id);
  if (!fits(all, chunk.by_user.bytes() + chunk.by_item.bytes())) return 0;
  const std::uint64_t number = std::max<std::uint64_t>(random_number(), 1);
  keep(all, number, std::make_shared<const ChunkByUser>(std::move(chunk.by_user)));
  keep(all, number, std::make_shared<const ChunkByItem>(std::move(chunk.by_item)));
  return number;
}

}  // namespace als::pg
