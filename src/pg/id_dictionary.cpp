#include "pg/id_dictionary.h"

namespace als::pg {

namespace {
constexpr std::size_t kBlockBytes = std::size_t{1} << 18;

// Integers below this get an entry of their own in small_: 16 MB at most.
constexpr std::uint64_t kSmallIds = std::uint64_t{1} << 22;
}  // namespace

/// The bytes that decide equality: without the header of a variable-length value, which may be
/// short or long for the same value.
IdDictionary::Image IdDictionary::image(Datum id) const {
  char* pointer = DatumGetPointer(id);
  if (type_->length() > 0) return {pointer, static_cast<std::size_t>(type_->length())};
  if (type_->length() == -1) return {VARDATA_ANY(pointer), VARSIZE_ANY_EXHDR(pointer)};
  return {pointer, std::strlen(pointer)};
}

std::uint64_t IdDictionary::hash(Datum id) const {
  if (type_->image_equal) {
    if (type_->by_value()) return splitmix(static_cast<std::uint64_t>(id));
    Image bytes = image(id);
    return hash_bytes_extended(reinterpret_cast<const unsigned char*>(bytes.data),
                               static_cast<int>(bytes.size), 0);
  }
  TypeCacheEntry* cache = type_->cache;
  if (OidIsValid(cache->hash_extended_proc_finfo.fn_oid))
    return DatumGetUInt64(FunctionCall2Coll(&cache->hash_extended_proc_finfo, type_->collation, id,
                                            Int64GetDatum(0)));
  return splitmix(DatumGetUInt32(FunctionCall1Coll(&cache->hash_proc_finfo, type_->collation, id)));
}

bool IdDictionary::equal(std::uint32_t index, Datum id) const {
  if (!type_->image_equal)
    return DatumGetBool(
        FunctionCall2Coll(&type_->cache->eq_opr_finfo, type_->collation, this->id(index), id));
  if (type_->by_value()) return values_[index] == static_cast<std::int64_t>(id);
  Image a = image(PointerGetDatum(pointers_[index]));
  Image b = image(id);
  return a.size == b.size && std::memcmp(a.data, b.data, a.size) == 0;
}

int IdDictionary::compare(std::uint32_t a, std::uint32_t b) const {
  if (!type_->image_equal)
    return DatumGetInt32(
        FunctionCall2Coll(&type_->cache->cmp_proc_finfo, type_->collation, id(a), id(b)));
  if (type_->by_value()) return values_[a] < values_[b] ? -1 : values_[a] > values_[b];
  Image x = image(PointerGetDatum(pointers_[a]));
  Image y = image(PointerGetDatum(pointers_[b]));
  int order = std::memcmp(x.data, y.data, std::min(x.size, y.size));
  if (order != 0) return order;
  return x.size < y.size ? -1 : x.size > y.size;
}

std::uint32_t IdDictionary::find(Datum id, std::uint64_t hash) const {
  return table_.find(hash, [&](std::uint32_t index) { return equal(index, id); });
}

bool IdDictionary::is_small(Datum id) const {
  return type_->by_value() && type_->image_equal && static_cast<std::uint64_t>(id) < kSmallIds;
}

void IdDictionary::remember_small(Datum id, std::uint32_t index) {
  if (small_.size() <= id)
    small_.resize(std::max<std::size_t>(id + 1, 2 * small_.size()), kMissing);
  small_[id] = index;
}

std::uint32_t IdDictionary::find(Datum id) const {
  if (is_small(id)) return id < small_.size() ? small_[id] : kMissing;
  if (type_->length() == -1) id = PointerGetDatum(PG_DETOAST_DATUM_PACKED(id));
  return find(id, hash(id));
}

std::uint32_t IdDictionary::find_or_add(Datum id) {
  bool small = is_small(id);
  if (small && id < small_.size() && small_[id] != kMissing) return small_[id];
  if (type_->length() == -1) id = PointerGetDatum(PG_DETOAST_DATUM_PACKED(id));
  std::uint64_t h = hash(id);
  std::uint32_t index = small ? kMissing : find(id, h);
  if (index != kMissing) return index;
  // The key goes in before its number, so that running out of memory leaves no number without a
  // key.
  if (type_->by_value())
    values_.push_back(static_cast<std::int64_t>(id));
  else
    pointers_.push_back(store(id));
  index = table_.add(h, [] { CHECK_FOR_INTERRUPTS(); });
  if (small) remember_small(id, index);
  return index;
}

/// Copies an id into the blocks, a variable-length one with a plain 4-byte header and aligned, as
/// the functions of any type accept it.
char* IdDictionary::store(Datum id) {
  Image bytes = image(id);
  bool varlena = type_->length() == -1;
  std::size_t header = varlena ? VARHDRSZ : 0;
  std::size_t need = MAXALIGN(header + bytes.size + (type_->length() == -2 ? 1 : 0));
  if (block_used_ + need > block_size_) {
    std::size_t size = std::max(need, kBlockBytes);
    blocks_.push_back(std::make_unique<char[]>(size));
    block_size_ = size;
    block_used_ = 0;
    block_bytes_ += size;
  }
  char* place = blocks_.back().get() + block_used_;
  block_used_ += need;
  if (varlena) SET_VARSIZE(place, header + bytes.size);
  std::memcpy(place + header, bytes.data, bytes.size);
  return place;
}

int IdDictionary::compare_for_sort(const void* a, const void* b, void* dictionary) {
  CHECK_FOR_INTERRUPTS();
  return static_cast<const IdDictionary*>(dictionary)
      ->compare(*static_cast<const std::uint32_t*>(a), *static_cast<const std::uint32_t*>(b));
}

void IdDictionary::rank(std::uint32_t* ranks) const {
  auto n = static_cast<std::uint32_t>(size());
  auto* order = static_cast<std::uint32_t*>(
      MemoryContextAllocHuge(CurrentMemoryContext, std::max<std::size_t>(n, 1) * sizeof(*ranks)));
  for (std::uint32_t i = 0; i < n; ++i) order[i] = i;
  qsort_arg(order, n, sizeof(*order), compare_for_sort, const_cast<IdDictionary*>(this));
  for (std::uint32_t i = 0; i < n; ++i) ranks[order[i]] = i;
  pfree(order);
}

std::size_t IdDictionary::bytes() const {
  return table_.bytes() + small_.capacity() * sizeof(std::uint32_t) +
         values_.capacity() * sizeof(std::int64_t) + pointers_.capacity() * sizeof(char*) +
         block_bytes_;
}

}  // namespace als::pg
