// Bytes as text, in the alphabet of RFC 4648 and without line breaks.
#pragma once

#include <string>
#include <string_view>

#include "core/pieces/bytes.h"

namespace als {

constexpr std::size_t base64_size(std::size_t bytes) { return (bytes + 2) / 3 * 4; }

/// to: room for base64_size(bytes.size()) characters.
void write_base64(ByteView bytes, char* to);

/// How many bytes a text holds. Throws InvalidBytes if it is of no such length.
std::size_t bytes_in_base64(std::string_view text);

/// to: room for bytes_in_base64(text). Throws InvalidBytes if the text has other characters, or
/// bits beyond the last byte.
void read_base64(std::string_view text, char* to);

}  // namespace als
