// The size of an id in an index row, which may be compressed there.

#include "pg/ids/key_size.h"

#include "pg/server/guard.h"

namespace als::pg {

namespace {

/// What an id may take in a row of a btree index: a third of a page, less the headers of both and
/// the heap's row number that tells equal keys apart. The server's macro for this has changed its
/// arguments.
constexpr std::size_t kMaxKeyBytes =
    MAXALIGN_DOWN((BLCKSZ - MAXALIGN(SizeOfPageHeaderData + 3 * sizeof(ItemIdData)) -
                   MAXALIGN(sizeof(BTPageOpaqueData))) /
                  3) -
    MAXALIGN(sizeof(ItemPointerData)) - sizeof(IndexTupleData);

/// The bytes of an id in an index row. A server call.
std::size_t key_bytes(const IdType& type, Datum id) {
  const char storage = type.cache->typstorage;
  if (storage != TYPSTORAGE_EXTENDED && storage != TYPSTORAGE_MAIN)
    return VARSIZE_ANY(DatumGetPointer(id));
#if PG_VERSION_NUM >= 140000
  Datum compressed = toast_compress_datum(id, InvalidCompressionMethod);
#else
  Datum compressed = toast_compress_datum(id);
#endif
  if (DatumGetPointer(compressed) == nullptr) return VARSIZE_ANY(DatumGetPointer(id));
  const std::size_t bytes = VARSIZE_ANY(DatumGetPointer(compressed));
  pfree(DatumGetPointer(compressed));
  return bytes;
}

/// The beginning of an id's text. A server call.
const char* beginning(const IdType& type, Datum id) {
  constexpr int kShownBytes = 40;
  char* text = id_text(type, id);
  text[pg_mbcliplen(text, static_cast<int>(std::strlen(text)), kShownBytes)] = '\0';
  return text;
}

}  // namespace

void KeySizeCheck::check() {
  const IdType& type = ids_.type();
  if (type.length() != -1) return;
  for (; checked_ < ids_.size(); ++checked_) {
    const Datum id = ids_.id(checked_);
    if (id_copy_size(type, id) <= kMaxKeyBytes) continue;
    const std::size_t bytes = server([&] { return key_bytes(type, id); });
    if (bytes <= kMaxKeyBytes) continue;
    throw UserError(ERRCODE_PROGRAM_LIMIT_EXCEEDED,
                    format("the %s id that begins with \"%s\" is too long", side_,
                           server([&] { return beginning(type, id); })),
                    "Train on a query with a shorter id in its place, for example md5(...)::uuid.",
                    format("It has %zu bytes, %zu in an index, which takes at most %zu.",
                           id_image(type, id).size, bytes, kMaxKeyBytes));
  }
}

}  // namespace als::pg
