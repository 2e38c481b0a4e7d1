// Copies of the ids of some rows.

#include "pg/ids/id_batch.h"

namespace als::pg {

namespace {
constexpr std::size_t kPieceBytes = std::size_t{1} << 15;
}

Datum IdBatch::copy(Datum id) {
  if (type_->length() == -1) id = PointerGetDatum(PG_DETOAST_DATUM_PACKED(id));
  std::size_t need = MAXALIGN(id_copy_size(*type_, id));
  if (need > free_bytes_) {
    free_bytes_ = std::max(need, kPieceBytes);
    free_ = static_cast<char*>(MemoryContextAlloc(context_, free_bytes_));
  }
  char* place = free_;
  free_ += need;
  free_bytes_ -= need;
  copy_id(*type_, id, place);
  return PointerGetDatum(place);
}

void IdBatch::clear() {
  size_ = 0;
  if (free_ == nullptr) return;
  MemoryContextReset(context_);
  free_ = nullptr;
  free_bytes_ = 0;
}

}  // namespace als::pg
