// Hashing and equality of ids, the same wherever they are looked up.
#pragma once

#include "core/base/splitmix.h"
#include "pg/ids/id_type.h"

namespace als::pg {

/// A hash of an id's value, the same in every session of a server. May raise server errors (a
/// type's own function may).
inline std::uint64_t id_hash(const IdType& type, Datum id) {
  if (type.image_equal) {
    if (type.by_value()) return splitmix(static_cast<std::uint64_t>(type.number(id)));
    IdImage bytes = id_image(type, id);
    return hash_bytes_extended(reinterpret_cast<const unsigned char*>(bytes.data),
                               static_cast<int>(bytes.size), 0);
  }
  TypeCacheEntry* cache = type.cache;
  if (type.hash64)
    return DatumGetUInt64(
        FunctionCall2Coll(&cache->hash_extended_proc_finfo, type.collation, id, Int64GetDatum(0)));
  return splitmix(DatumGetUInt32(FunctionCall1Coll(&cache->hash_proc_finfo, type.collation, id)));
}

/// Whether two ids are equal. Equal bytes make equal ids of any type, so that most of the time its
/// function is not called; it may raise server errors.
inline bool ids_equal(const IdType& type, Datum a, Datum b) {
  if (type.by_value()) {
    if (type.number(a) == type.number(b)) return true;
  } else {
    IdImage x = id_image(type, a);
    IdImage y = id_image(type, b);
    if (x.size == y.size && std::memcmp(x.data, y.data, x.size) == 0) return true;
  }
  return !type.image_equal &&
         DatumGetBool(FunctionCall2Coll(&type.cache->eq_opr_finfo, type.collation, a, b));
}

/// Whether a type's ids may be looked up by their number without a hash, where it is small.
inline bool ids_may_be_small(const IdType& type) { return type.by_value() && type.image_equal; }

}  // namespace als::pg
