// Bytes that travel between machines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace als {

/// What a bytea holds. Everything here is made of pieces, each with a header that has its format,
/// its kind and its length; so pieces may be joined by putting one after the other. Numbers are as
/// the processor has them: all machines of a training must have the same order of bytes, which is
/// checked.
using Bytes = std::string;
using ByteView = std::string_view;

/// Bytes that this version has not written, that were cut off or changed, or that belong to another
/// training, part or chunk.
class InvalidBytes : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace als
