// Writing and probing the image of an IdDictionary.

#include "pg/ids/id_index.h"

namespace als::pg {

namespace {

// Integers are found by their number as long as the table for that, 4 bytes each, has at most so
// many entries for each id.
constexpr std::uint64_t kSmallPerId = 8;

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
    for (std::uint32_t i = 0; i < n; ++i) {
      const auto id = static_cast<std::uint64_t>(ids.id(i));
      if (id < bound)
        header.n_small = std::max(header.n_small, id + 1);
      else
        ++n_hashed;
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
  header.slots = MAXALIGN(header.small + header.n_small * sizeof(std::uint32_t));
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
  auto* small = reinterpret_cast<std::uint32_t*>(image + header.small);
  auto* slots = reinterpret_cast<IdSlot*>(image + header.slots);
  std::fill_n(small, header.n_small, kMissing);
  std::fill_n(slots, header.n_slots, IdSlot{});
  std::uint64_t used = 0;
  for (std::uint32_t i = 0; i < header.size; ++i) {
    const Datum id = ids.id(i);
    if (type.by_value()) {
      keys[i] = static_cast<std::int64_t>(id);
      if (static_cast<std::uint64_t>(id) < header.n_small) {
        small[id] = i;
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
      small_(reinterpret_cast<const std::uint32_t*>(image + header_->small)),
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
