// Writing and probing the image of an IdDictionary.

#include "pg/ids/id_index.h"

namespace als::pg {

namespace {

// Integers are found by their number below so many times the number of ids: 8 bytes an id at most.
constexpr std::uint64_t kSmallPerId = 32;

}  // namespace

IdIndex::Header IdIndex::layout(const IdDictionary& ids) {
  const IdType& type = ids.type();
  const auto n = static_cast<std::uint32_t>(ids.size());
  Header header{};
  header.size = n;
  std::uint64_t id_bytes = 0;
  std::uint32_t n_hashed = n;
  if (ids_may_be_small(type)) {
    const std::uint64_t bound = kSmallPerId * n;
    n_hashed = 0;
    // Integers are in their order, but other types that are kept like them may have another.
    bool ascend = true;
    std::uint32_t next = 0;
    for (std::uint32_t i = 0; i < n; ++i) {
      const auto id = static_cast<std::uint64_t>(ids.id(i));
      if (id >= bound) {
        ++n_hashed;
        continue;
      }
      ascend &= header.n_small == 0 || (id >= header.n_small && i == next);
      header.n_small = id + 1;
      next = i + 1;
    }
    if (!ascend) {
      header.n_small = 0;
      n_hashed = n;
    }
  } else if (!type.by_value()) {
    for (std::uint32_t i = 0; i < n; ++i) id_bytes += MAXALIGN(id_copy_size(type, ids.id(i)));
  }
  if (n_hashed > 0) {
    header.n_slots = 2;
    while (header.n_slots < std::uint64_t{2} * n_hashed) header.n_slots *= 2;
  }
  header.keys = sizeof(Header);
  header.small = header.keys + n * sizeof(std::int64_t);
  const std::uint64_t small = (header.n_small + SmallIds::kNumbers - 1) / SmallIds::kNumbers;
  header.slots = MAXALIGN(header.small + small * sizeof(SmallIds));
  header.bytes = header.slots + header.n_slots * sizeof(IdSlot);
  header.end = header.bytes + id_bytes;
  return header;
}

std::size_t IdIndex::bytes(const IdDictionary& ids) { return layout(ids).end; }

void IdIndex::write(const IdDictionary& ids, char* image) {
  const IdType& type = ids.type();
  const Header header = layout(ids);
  std::memcpy(image, &header, sizeof(header));
  auto* keys = reinterpret_cast<std::int64_t*>(image + header.keys);
  auto* small = reinterpret_cast<SmallIds*>(image + header.small);
  auto* slots = reinterpret_cast<IdSlot*>(image + header.slots);
  std::fill(small, reinterpret_cast<SmallIds*>(image + header.slots), SmallIds{});
  std::fill_n(slots, header.n_slots, IdSlot{});
  std::uint64_t used = 0;
  for (std::uint32_t i = 0; i < header.size; ++i) {
    const Datum id = ids.id(i);
    if (type.by_value()) {
      keys[i] = static_cast<std::int64_t>(id);
      if (static_cast<std::uint64_t>(id) < header.n_small) {
        SmallIds& word = small[id / SmallIds::kNumbers];
        if (word.bits == 0) word.first = i;
        word.bits |= std::uint32_t{1} << id % SmallIds::kNumbers;
        continue;
      }
    } else {
      copy_id(type, id, image + header.bytes + used);
      keys[i] = static_cast<std::int64_t>(used);
      used += MAXALIGN(id_copy_size(type, id));
    }
    place_in(slots, header.n_slots, ids.hashes()[i], i);
  }
}

IdIndex::IdIndex(const IdType* type, const char* image)
    : type_(type),
      header_(reinterpret_cast<const Header*>(image)),
      keys_(reinterpret_cast<const std::int64_t*>(image + header_->keys)),
      small_(reinterpret_cast<const SmallIds*>(image + header_->small)),
      slots_(reinterpret_cast<const IdSlot*>(image + header_->slots)),
      bytes_(image + header_->bytes),
      n_small_(header_->n_small) {}

std::uint32_t IdIndex::find_hashed(Datum id) const {
  if (header_->n_slots == 0) return kMissing;
  if (type_->length() == -1) id = PointerGetDatum(PG_DETOAST_DATUM_PACKED(id));
  return find_in(slots_, header_->n_slots, id_hash(*type_, id),
                 [&](std::uint32_t index) { return ids_equal(*type_, this->id(index), id); });
}

}  // namespace als::pg
