// What als must know of the SQL type of an id: how to compare, hash, order, convert and print it.
#pragma once

#include "pg/pg.h"

namespace als::pg {

/// An id type with its collation. Plain data in the server's memory.
struct IdType {
  Oid oid;
  Oid collation;
  TypeCacheEntry* cache;  ///< never freed by the server
  bool image_equal;       ///< equal ids have equal bytes, so the server need not be asked
  char* name;             ///< as format_type prints it
  Oid base;               ///< of a domain, else the type itself

  bool by_value() const { return cache->typbyval; }
  int16 length() const { return cache->typlen; }
};

/// Describes a type. Raises 42883 where it has no default btree ordering, or neither byte-wise
/// equality nor hashing. `what` names the column in the message. Allocates in CurrentMemoryContext;
/// a server call.
IdType* describe_id_type(Oid type, Oid collation, const char* what);

/// The condition "column = $1", $1 being of the type's base: with the type's own equality operator,
/// whatever the search_path holds, and with a cast where a domain would hide that operator. A
/// server call.
char* equals_condition(const IdType& type, const char* column);

/// The text of an id. A server call.
char* id_text(const IdType& type, Datum id);

/// Turns values of one type into ids of another, by the server's own casts.
struct IdConverter {
  Oid from;
  Oid to;
  enum Method { kNone, kSame, kFunction, kText } method;
  int n_args;         // of the cast function
  FmgrInfo function;  // the cast, or the output function of `from`
  FmgrInfo input;     // of `to`, for kText
  Oid input_param;
  bool from_cstring;  // an untyped literal
};

/// How to get from one type to the other; method kNone where there is no cast. `context` must live
/// as long as the converter. A server call.
void init_id_converter(IdConverter* converter, Oid from, Oid to, MemoryContext context);

/// A server call; the result is in CurrentMemoryContext or shares the value's memory.
Datum convert_id(IdConverter* converter, Datum value);

}  // namespace als::pg
