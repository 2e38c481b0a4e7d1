// Bytes as text and back.

#include "core/pieces/base64.h"

#include <gtest/gtest.h>

#include <random>

#include "core/pieces/bytes.h"

namespace als {
namespace {

std::string text_of(ByteView bytes) {
  std::string text(base64_size(bytes.size()), ' ');
  write_base64(bytes, text.data());
  return text;
}

Bytes bytes_of(std::string_view text) {
  Bytes bytes(bytes_in_base64(text), ' ');
  read_base64(text, bytes.data());
  return bytes;
}

/// Those of RFC 4648, section 10.
TEST(Base64, KnownTexts) {
  const std::pair<const char*, const char*> known[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : known) {
    EXPECT_EQ(text_of(bytes), text);
    EXPECT_EQ(bytes_of(text), bytes);
  }
}

TEST(Base64, AllBytesAtAllPlacesComeBack) {
  std::mt19937 random(1);
  for (std::size_t size = 0; size < 800; ++size) {
    Bytes bytes(size, 0);
    for (std::size_t i = 0; i < size; ++i) {
      bytes[i] = static_cast<char>(size < 4 ? random() : i + size);
    }
    EXPECT_EQ(bytes_of(text_of(bytes)), bytes);
  }
}

TEST(Base64, OtherTextsAreRefused) {
  for (const char* text :
       {"Z", "Zg", "Zg=", "=", "====", "Z===", "Zg==Zg==", "Zm9v\n", "Zm\n9v", "Zm9_",
        "\xff\xff\xff\xff", "Zm9vZm9vZm9-Zm9v", "Zh==", "Zm9=", "Zm9vY!=="}) {
    EXPECT_THROW(bytes_of(text), InvalidBytes) << text;
  }
}

}  // namespace
}  // namespace als
