// What als must know of the SQL type of an id: how to compare, hash, order, convert and print it.
#pragma once

#include "pg/server/pg.h"

namespace als::pg {

/// A type, and the collation by which its values are compared, as a column has them.
struct CollatedType {
  Oid type = InvalidOid;
  Oid collation = InvalidOid;  ///< of types without: none

  bool operator==(const CollatedType& other) const {
    return type == other.type && collation == other.collation;
  }
};

/// An id type with its collation. Plain data in the server's memory.
struct IdType {
  Oid oid;
  Oid collation;
  TypeCacheEntry* cache;  ///< never freed by the server; operators only where images may differ
  bool image_equal;       ///< equal ids have equal bytes, so the server need not be asked
  bool hash64;            ///< otherwise: the type has a hash function of 64 bits
  char* name;             ///< as format_type prints it
  Oid base;               ///< of a domain, else the type itself
  int unused_bits;        ///< of 64, by a type passed by value

  CollatedType collated() const { return {oid, collation}; }

  bool by_value() const { return cache->typbyval; }
  int16 length() const { return cache->typlen; }

  /// One and the same number for equal ids passed by value. Datums of one value may differ in the
  /// bits that the type does not use: the server fills them with zeros or with copies of the sign,
  /// depending on where a value comes from.
  std::int64_t number(Datum id) const {
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(id) << unused_bits) >> unused_bits;
  }
};

/// Describes a type. Raises ERRCODE_UNDEFINED_FUNCTION where it has no default btree ordering, or
/// neither byte-wise equality nor hashing; ERRCODE_INDETERMINATE_COLLATION. `what` names the column
/// in the message. Allocates in CurrentMemoryContext; a server call.
IdType* describe_id_type(Oid type, Oid collation, const char* what);

/// The same, in the memory of a context. No server call: it makes one.
const IdType* describe_id_type_in(MemoryContext context, Oid type, Oid collation, const char* what);

/// The bytes of an id that decide equality where it is byte-wise: without the header of a
/// variable-length value, which may be short or long for the same value.
struct IdImage {
  const char* data;
  std::size_t size;
};

/// The image of an id that is not passed by value, and not toasted.
inline IdImage id_image(const IdType& type, Datum id) {
  char* pointer = DatumGetPointer(id);
  if (type.length() > 0) return {pointer, static_cast<std::size_t>(type.length())};
  if (type.length() == -1) return {VARDATA_ANY(pointer), VARSIZE_ANY_EXHDR(pointer)};
  return {pointer, std::strlen(pointer)};
}

/// What copy_id() writes.
inline std::size_t id_copy_size(const IdType& type, Datum id) {
  std::size_t size = id_image(type, id).size;
  return type.length() == -1 ? VARHDRSZ + size : type.length() == -2 ? size + 1 : size;
}

/// Copies such an id to an aligned place, a variable-length one with a plain 4-byte header, as the
/// functions of any type take it without another copy.
inline void copy_id(const IdType& type, Datum id, char* place) {
  IdImage image = id_image(type, id);
  std::size_t header = type.length() == -1 ? VARHDRSZ : 0;
  if (header > 0) SET_VARSIZE(place, header + image.size);
  std::memcpy(place + header, image.data, image.size);
  if (type.length() == -2) place[image.size] = '\0';
}

/// Raises 42501 if reading text as a value of this type could run code of a role that the caller
/// does not trust: a type that is made of others may check the constraints of a domain. A server
/// call.
void check_input_is_trusted(Oid type);

/// The condition "column = value", the value being of the type's base: with the type's own equality
/// operator, whatever the search_path holds, with a cast where a domain would hide that operator,
/// and with the collation where it holds different strings equal. A server call.
char* equals_condition(const IdType& type, const char* column, const char* value = "$1");

/// A type as a definition spells it, whatever the search_path holds; without a modifier char stays
/// bpchar, and is not char(1). A server call.
char* spelled_type(Oid type, int32 modifier = -1);

/// The type of a column for such ids as a definition spells it, with the collation where that is
/// not the type's own. A server call.
char* column_type(const CollatedType& type);
inline char* column_type(const IdType& type) { return column_type(type.collated()); }

/// The same of a column of arrays of ids, see id_array_type().
char* array_column_type(const IdType& type);

/// The type of an array of such ids, which are of the type's base there. Raises
/// ERRCODE_UNDEFINED_OBJECT where there is none, as for ids that are arrays. A server call.
Oid id_array_type(const IdType& type);

/// The text of an id. A server call.
char* id_text(const IdType& type, Datum id);

/// That of a table's column, with InvalidOid for a column that is not there. A server call.
CollatedType column_type_of(Oid table, const char* column);

/// How a message names it: the collation only where it is not the type's own. A server call.
char* type_name(const CollatedType& type);

/// Whether two collations hold the same strings equal, as any two do that are deterministic. A
/// server call.
bool hold_same_equal(Oid collation, Oid other);

/// Whether a type holds every value of another, and just those equal that are: a column of ids that
/// has been widened. Integers of 16, 32 and 64 bits, varchar and text, a domain and its base. A
/// server call.
bool is_widened(const CollatedType& from, const CollatedType& to);

/// Turns values of one type into ids of another, by the server's own casts.
struct IdConverter {
  Oid from;  // the base of a domain
  Oid to;
  enum Method { kNone, kSame, kFunction, kText } method;
  int n_args;         // of the cast function
  int bytes_to;       // where ids are integers; else 0
  FmgrInfo function;  // the cast, or the output function of `from`
  FmgrInfo input;     // of `to`, for kText
  Oid input_param;
  bool from_cstring;  // an untyped literal
  // Where a cast may round or cut off, the way back, which must lead to the same value.
  bool may_lose;
  int n_args_back;
  FmgrInfo back;
  FmgrInfo equal;
  Oid collation;
};

/// How to get from one type to the other; method kNone where there is no cast. `context` must live
/// as long as the converter. A server call.
void init_id_converter(IdConverter* converter, Oid from, Oid to, MemoryContext context);

/// A value as an id; none for a number beyond the integers that ids are, to which no id is equal:
/// where an id is looked up, that is no error. Raises ERRCODE_INVALID_PARAMETER_VALUE for any other
/// value that no id of the type is equal to, such as 1.5 among integers, and what the type's input
/// raises. A server call; the result is in CurrentMemoryContext or shares the value's memory.
std::optional<Datum> find_id(IdConverter* converter, Datum value);

/// The same, but raises ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE for such a number.
Datum convert_id(IdConverter* converter, Datum value);

}  // namespace als::pg
