// Unpacks chunks once, within a limit.
#include "pg/steps/kept_chunks.h"

#include <map>
#include <tuple>

#include "pg/steps/kept_values.h"

namespace als::pg {

namespace {

template <class Rows>
using SharedRows = std::shared_ptr<Rows>;

/// Those that have not been packed.
struct KeptChunk {
  SharedRows<WeighedChunk> by_user;
  SharedRows<ChunkByItem> by_item;

  template <class Rows>
  const SharedRows<Rows>& rows() const {
    if constexpr (std::is_same_v<Rows, WeighedChunk>)
      return by_user;
    else
      return by_item;
  }
  ChunkId id() const { return by_user->facts.id; }
};
using KeptChunks = KeptValues<KeptChunk>;

/// Those that have been unpacked again, which may go at any time: of two trainings side by side
/// each takes the place of the other's.
struct UnpackedChunks {
  template <class Rows>
  struct Unpacked {
    std::uint64_t fingerprint;
    SharedRows<Rows> rows;
  };
  template <class Rows>
  using Half = std::map<ChunkId, Unpacked<Rows>>;

  std::size_t bytes = 0;
  std::tuple<Half<WeighedChunk>, Half<ChunkByItem>> halves;

  template <class Rows>
  SharedRows<Rows> find(const ChunkId& id, std::uint64_t fingerprint) const {
    const auto& half = std::get<Half<Rows>>(halves);
    const auto found = half.find(id);
    return found != half.end() && found->second.fingerprint == fingerprint ? found->second.rows
                                                                           : nullptr;
  }

  template <class Rows>
  void forget(const ChunkId& id) {
    auto& half = std::get<Half<Rows>>(halves);
    const auto found = half.find(id);
    if (found == half.end()) return;
    bytes -= found->second.rows->bytes();
    half.erase(found);
  }

  template <class Rows>
  void add(std::uint64_t fingerprint, SharedRows<Rows> rows) {
    const ChunkId id = rows->facts.id;
    bytes += rows->bytes();
    std::get<Half<Rows>>(halves)[id] = {fingerprint, std::move(rows)};
  }
};

template <class Rows>
SharedRows<Rows> kept_rows(std::uint64_t number, const ChunkId& id) {
  const KeptChunk* kept = KeptChunks::of_session().find(number);
  if (kept == nullptr || !(kept->id() == id) || kept->rows<Rows>() == nullptr)
    throw InvalidBytes("a chunk is kept by another session");
  return kept->rows<Rows>();
}

/// read(): the bytes of the half; first: the first of them.
template <class Rows, class Read>
SharedRows<Rows> kept_or_read(const StoredChunk& chunk, ByteView first, Read&& read) {
  const ChunkId id = facts_of_chunk(first).id;
  if (chunk.head().kept != 0) return kept_rows<Rows>(chunk.head().kept, id);
  auto& unpacked = kept_to_end<UnpackedChunks>();
  const std::uint64_t fingerprint = fingerprint_of_chunk(first);
  if (SharedRows<Rows> found = unpacked.find<Rows>(id, fingerprint)) return found;
  auto rows = std::make_shared<Rows>(read());
  unpacked.forget<Rows>(id);
  if (KeptChunks::of_session().has_room(rows->bytes(), unpacked.bytes))
    unpacked.add<Rows>(fingerprint, rows);
  return rows;
}

}  // namespace

std::shared_ptr<WeighedChunk> unpacked_by_user(const StoredChunk& chunk) {
  return kept_or_read<WeighedChunk>(chunk, chunk.first_by_user(),
                                    [&] { return ChunkByUser(chunk.by_user()); });
}

std::shared_ptr<const ChunkByItem> unpacked_by_item(const StoredChunk& chunk) {
  return kept_or_read<ChunkByItem>(chunk, chunk.first_by_item(), [&] { return chunk.by_item(); });
}

std::uint64_t keep_chunk(UnpackedChunk& chunk) {
  KeptChunks& kept = KeptChunks::of_session();
  auto& unpacked = kept_to_end<UnpackedChunks>();
  const std::size_t bytes = WeighedChunk::bytes_of(chunk.by_user) + chunk.by_item.bytes();
  if (!kept.has_room(bytes, unpacked.bytes)) return 0;
  return kept.keep({std::make_shared<WeighedChunk>(std::move(chunk.by_user)),
                    std::make_shared<ChunkByItem>(std::move(chunk.by_item))},
                   bytes);
}

void forget_chunk(const StoredChunk& chunk) {
  const ChunkId id = chunk.facts().id;
  KeptChunks::of_session().forget(chunk.head().kept);
  kept_to_end<UnpackedChunks>().forget<WeighedChunk>(id);
  kept_to_end<UnpackedChunks>().forget<ChunkByItem>(id);
}

void forget_by_item(const StoredChunk& chunk) {
  if (KeptChunk* kept = KeptChunks::of_session().find(chunk.head().kept)) kept->by_item.reset();
  kept_to_end<UnpackedChunks>().forget<ChunkByItem>(chunk.facts().id);
}

}  // namespace als::pg
