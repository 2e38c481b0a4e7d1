// bytea values and the bytes of core/parts.
#pragma once

#include <optional>

#include "core/pieces/bytes.h"
#include "pg/server/args.h"
#include "pg/server/kept_object.h"
#include "pg/sql/bytea_value.h"

namespace als::pg {

/// The bytes of an argument, detoasted. Throws 22004 for null.
ByteView bytes_arg(FunctionCallInfo fcinfo, int index, const char* name);

/// No more than n bytes of it, and fewer where it ends.
ByteView slice_arg(FunctionCallInfo fcinfo, int index, const char* name, std::size_t from,
                   std::size_t n);

/// Empty for null.
ByteView bytes_or_nothing(FunctionCallInfo fcinfo, int index);

/// A bytea of these pieces, one after the other. Throws 54000 beyond 1 GB.
bytea* bytea_of(std::initializer_list<ByteView> pieces);
Datum bytea_datum(ByteView bytes);

/// A value as it lies in memory.
template <class T>
ByteView bytes_of(const T& value) {
  return {reinterpret_cast<const char*>(&value), sizeof(value)};
}

/// Two pieces of bytes in one, and a view of each. The first comes first, so that it can be read
/// without the second.
bytea* bytea_of_pair(ByteView first, ByteView second);
struct BytePair {
  ByteView first;
  ByteView second;  ///< cut off where no more than the first bytes were read
};
BytePair read_pair(ByteView bytes);

/// Throws 0A000 where all arguments are constants.
void refuse_constants(FunctionCallInfo fcinfo);

/// guard() for functions that read bytes: those that als has not written, or not for this place,
/// are 22P03.
template <class Body>
auto guard_bytes(Body&& body) -> decltype(body()) {
  return guard([&] {
    try {
      return body();
    } catch (const InvalidBytes& error) {
      throw UserError(ERRCODE_INVALID_BINARY_REPRESENTATION, error.what(),
                      "The function is called by distributed trainings alone.");
    }
  });
}

/// guard_bytes() for functions that find or keep values of the session. They are immutable, so that
/// planners take them for what they are within a statement: calls for rows, in any place. One with
/// constants alone would be made while a statement is planned, and its result kept with the plan,
/// for sessions and transactions to come. Throws 0A000 for it.
template <class Body>
auto guard_step(FunctionCallInfo fcinfo, Body&& body) -> decltype(body()) {
  return guard_bytes([&] {
    refuse_constants(fcinfo);
    return body();
  });
}

/// The state of an aggregate, made by its first call. State: what the aggregate gathers.
template <class State>
class AggregateState {
 public:
  static State* of(FunctionCallInfo fcinfo) {
    return PG_ARGISNULL(0) ? nullptr : reinterpret_cast<State*>(PG_GETARG_POINTER(0));
  }

  /// What the aggregate has gathered so far; make(context), in its first call.
  template <class Make>
  static State* of_or_made(FunctionCallInfo fcinfo, Make&& make) {
    MemoryContext context = aggregate_context(fcinfo);
    State* state = of(fcinfo);
    return state != nullptr ? state : make(context);
  }

  /// The result of the aggregate: the state's bytes(), or null of no rows.
  static Datum result(FunctionCallInfo fcinfo) {
    if (PG_ARGISNULL(0)) PG_RETURN_NULL();
    return guard_bytes([&] { return bytea_datum(of(fcinfo)->bytes()); });
  }
};

inline std::uint32_t number_arg(FunctionCallInfo fcinfo, int index, const char* name) {
  return static_cast<std::uint32_t>(int_arg(fcinfo, index, name, 0, PG_INT32_MAX));
}

}  // namespace als::pg
