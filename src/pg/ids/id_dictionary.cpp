// Numbering of ids: small integers by a table of their own, others by a hash table.

#include "pg/ids/id_dictionary.h"

#include <numeric>

namespace als::pg {

namespace {
constexpr std::size_t kBlockBytes = std::size_t{1} << 18;

// Integers below this get an entry of their own in small_: 16 MB at most.
constexpr std::uint64_t kSmallIds = std::uint64_t{1} << 22;
}  // namespace

std::uint64_t IdDictionary::hash(Datum id) const { return id_hash(*type_, id); }

bool IdDictionary::equal(std::uint32_t index, Datum id) const {
  return ids_equal(*type_, this->id(index), id);
}

int IdDictionary::compare(std::uint32_t a, std::uint32_t b) const {
  if (!type_->image_equal)
    return DatumGetInt32(
        FunctionCall2Coll(&type_->cache->cmp_proc_finfo, type_->collation, id(a), id(b)));
  if (type_->by_value()) return values_[a] < values_[b] ? -1 : values_[a] > values_[b];
  IdImage x = id_image(*type_, PointerGetDatum(pointers_[a]));
  IdImage y = id_image(*type_, PointerGetDatum(pointers_[b]));
  int order = std::memcmp(x.data, y.data, std::min(x.size, y.size));
  if (order != 0) return order;
  return x.size < y.size ? -1 : x.size > y.size;
}

std::uint32_t IdDictionary::find(Datum id, std::uint64_t hash) const {
  return table_.find(hash, [&](std::uint32_t index) { return equal(index, id); });
}

/// Negative numbers are large ones here.
std::uint64_t IdDictionary::number(Datum id) const {
  return static_cast<std::uint64_t>(type_->number(id));
}

bool IdDictionary::is_small(std::uint64_t number) const {
  return may_be_small_ && number < kSmallIds;
}

void IdDictionary::remember_small(std::uint64_t number, std::uint32_t index) {
  if (small_.size() <= number)
    small_.resize(std::max<std::size_t>(number + 1, 2 * small_.size()), kMissing);
  small_[number] = index;
}

std::uint32_t IdDictionary::find(Datum id) const {
  const std::uint64_t number = this->number(id);
  if (is_small(number)) return number < small_.size() ? small_[number] : kMissing;
  if (type_->length() == -1) id = PointerGetDatum(PG_DETOAST_DATUM_PACKED(id));
  return find(id, hash(id));
}

std::uint32_t IdDictionary::find_or_add(Datum id) {
  if (type_->length() == -1) id = PointerGetDatum(PG_DETOAST_DATUM_PACKED(id));
  std::uint32_t index;
  find_or_add(&id, 1, &index);
  return index;
}

void IdDictionary::find_or_add(const Datum* ids, std::size_t n, std::uint32_t* indexes) {
  for (std::size_t done = 0; done < n; done += kGroup) {
    std::size_t size = std::min(kGroup, n - done);
    find_group(ids + done, size, indexes + done);
    for (std::size_t i = done; i < done + size; ++i) {
      if (indexes[i] == kMissing) indexes[i] = add(ids[i]);
    }
  }
}

/// Looks up at most kGroup ids. A large table lies in memory that answers slowly, so each step asks
/// for the lines that the next one reads, for all ids, before it waits for any of them.
void IdDictionary::find_group(const Datum* ids, std::size_t n, std::uint32_t* indexes) const {
  std::uint64_t hashes[kGroup];
  std::uint8_t large[kGroup + 1];  // the ids that need a hash
  std::size_t n_large = 0;
  const std::uint32_t* small = small_.data();
  const std::size_t n_small = may_be_small_ ? small_.size() : 0;
  const std::uint64_t small_ids = may_be_small_ ? kSmallIds : 0;
  for (std::size_t i = 0; i < n; ++i) {
    const std::uint64_t number = this->number(ids[i]);
    indexes[i] = number < n_small ? small[number] : kMissing;
    large[n_large] = static_cast<std::uint8_t>(i);
    n_large += number >= small_ids ? 1 : 0;
  }
  for (std::size_t l = 0; l < n_large; ++l) {
    hashes[l] = hash(ids[large[l]]);
    table_.prefetch(hashes[l]);
  }
  std::uint32_t candidates[kGroup];
  for (std::size_t l = 0; l < n_large; ++l) {
    candidates[l] = table_.candidate(hashes[l]);
    if (candidates[l] == kMissing) continue;
    if (type_->by_value())
      __builtin_prefetch(&values_[candidates[l]]);
    else
      __builtin_prefetch(&pointers_[candidates[l]]);
  }
  if (!type_->by_value()) {
    for (std::size_t l = 0; l < n_large; ++l) {
      if (candidates[l] != kMissing) __builtin_prefetch(pointers_[candidates[l]]);
    }
  }
  for (std::size_t l = 0; l < n_large; ++l) {
    if (candidates[l] != kMissing) indexes[large[l]] = find(ids[large[l]], hashes[l]);
  }
}

/// Adds an id unless it is there.
std::uint32_t IdDictionary::add(Datum id) {
  const std::uint64_t number = this->number(id);
  bool small = is_small(number);
  std::uint64_t h = hash(id);
  if (small) {
    if (number < small_.size() && small_[number] != kMissing) return small_[number];
  } else {
    std::uint32_t index = find(id, h);
    if (index != kMissing) return index;
  }
  // The key goes in before its number, so that running out of memory leaves no number without a
  // key.
  if (type_->by_value())
    values_.push_back(static_cast<std::int64_t>(number));
  else
    pointers_.push_back(store(id));
  if (!small) return table_.add(h, [] { CHECK_FOR_INTERRUPTS(); });
  std::uint32_t index = table_.number(h, [] { CHECK_FOR_INTERRUPTS(); });
  remember_small(number, index);
  return index;
}

/// Copies an id into the blocks.
char* IdDictionary::store(Datum id) {
  std::size_t need = MAXALIGN(id_copy_size(*type_, id));
  if (block_used_ + need > block_size_) {
    std::size_t size = std::max(need, kBlockBytes);
    blocks_.push_back(std::make_unique<char[]>(size));
    block_size_ = size;
    block_used_ = 0;
    block_bytes_ += size;
  }
  char* place = blocks_.back().get() + block_used_;
  block_used_ += need;
  copy_id(*type_, id, place);
  return place;
}

int IdDictionary::compare_for_sort(const void* a, const void* b, void* dictionary) {
  CHECK_FOR_INTERRUPTS();
  return static_cast<const IdDictionary*>(dictionary)
      ->compare(*static_cast<const std::uint32_t*>(a), *static_cast<const std::uint32_t*>(b));
}

/// The number of bytes with which every id begins, of a type whose ids are bytes.
std::size_t IdDictionary::common_prefix() const {
  IdImage first = id_image(*type_, PointerGetDatum(pointers_[0]));
  std::size_t common = first.size;
  for (const char* pointer : pointers_) {
    CHECK_FOR_INTERRUPTS();
    IdImage image = id_image(*type_, PointerGetDatum(pointer));
    common = std::min(common, image.size);
    common = static_cast<std::size_t>(
        std::mismatch(image.data, image.data + common, first.data).first - image.data);
  }
  return common;
}

/// A number for each id that is in the ids' order, but may be the same for different ids.
void IdDictionary::fill_sort_keys(SortKey* keys) const {
  std::size_t skip = type_->by_value() ? 0 : common_prefix();
  for (std::uint32_t i = 0; i < size(); ++i) {
    CHECK_FOR_INTERRUPTS();
    std::uint64_t number = 0;
    if (type_->by_value()) {
      number = static_cast<std::uint64_t>(values_[i]) ^ (std::uint64_t{1} << 63);
    } else {
      IdImage image = id_image(*type_, PointerGetDatum(pointers_[i]));
      std::memcpy(&number, image.data + skip, std::min(image.size - skip, sizeof(number)));
      number = pg_ntoh64(number);
    }
    keys[i] = {number, i};
  }
}

void IdDictionary::rank(std::uint32_t* ranks) const {
  auto n = static_cast<std::uint32_t>(size());
  if (n == 0) return;
  if (table_.all_numbered()) {
    std::uint32_t next = 0;
    for (std::uint32_t index : small_) {
      if (index != kMissing) ranks[index] = next++;
    }
  } else if (type_->image_equal) {
    auto* keys =
        static_cast<SortKey*>(MemoryContextAllocHuge(CurrentMemoryContext, n * sizeof(SortKey)));
    fill_sort_keys(keys);
    // Interrupts may leave this by longjmp: nothing in it has a destructor.
    std::sort(keys, keys + n, [this](const SortKey& a, const SortKey& b) {
      CHECK_FOR_INTERRUPTS();
      return a.number != b.number ? a.number < b.number : compare(a.index, b.index) < 0;
    });
    for (std::uint32_t i = 0; i < n; ++i) ranks[keys[i].index] = i;
    pfree(keys);
  } else {
    auto* order = static_cast<std::uint32_t*>(
        MemoryContextAllocHuge(CurrentMemoryContext, n * sizeof(std::uint32_t)));
    std::iota(order, order + n, 0U);
    // The server's own sort bears an order that contradicts itself.
    qsort_arg(order, n, sizeof(*order), compare_for_sort, const_cast<IdDictionary*>(this));
    for (std::uint32_t i = 0; i < n; ++i) ranks[order[i]] = i;
    pfree(order);
  }
}

std::size_t IdDictionary::bytes() const {
  std::size_t vectors = table_.bytes() + small_.capacity() * sizeof(std::uint32_t) +
                        values_.capacity() * sizeof(std::int64_t) +
                        pointers_.capacity() * sizeof(char*);
  // Vectors leave holes where they grew from.
  return vectors + vectors / 2 + block_bytes_;
}

}  // namespace als::pg
