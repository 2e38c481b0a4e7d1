// Escapes text for HTML, replacing what is not valid UTF-8.
#include "report/html.h"

#include <cstdint>
#include <cstdio>

namespace als {

namespace {

constexpr char32_t kReplacement = 0xfffd;

/// Takes the next character off the front of the text.
char32_t next_character(std::string_view& utf8) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(utf8[i]); };
  const unsigned char first = byte(0);
  const std::size_t length = first < 0x80             ? 1
                             : (first & 0xe0) == 0xc0 ? 2
                             : (first & 0xf0) == 0xe0 ? 3
                             : (first & 0xf8) == 0xf0 ? 4
                                                      : 0;
  bool whole = length > 0 && length <= utf8.size();
  char32_t character = length <= 1 ? first : first & (0xff >> (length + 1));
  for (std::size_t i = 1; whole && i < length; ++i) {
    whole = (byte(i) & 0xc0) == 0x80;
    character = character << 6 | (byte(i) & 0x3f);
  }
  utf8.remove_prefix(whole ? length : 1);
  return whole ? character : kReplacement;
}

/// The production Char of XML 1.0.
bool is_xml(char32_t c) {
  return c == '\t' || c == '\n' || c == '\r' || (c >= 0x20 && c < 0xd800) ||
         (c >= 0xe000 && c < 0xfffe) || (c >= 0x10000 && c <= 0x10ffff);
}

}  // namespace

std::string escaped(std::string_view utf8) {
  std::string html;
  html.reserve(utf8.size() + utf8.size() / 8);
  while (!utf8.empty()) {
    char32_t c = next_character(utf8);
    if (!is_xml(c)) c = kReplacement;
    if (c < 0x7f && c != '<' && c != '>' && c != '&' && c != '"' && c != '\'') {
      html += static_cast<char>(c);
    } else {
      char reference[16];
      std::snprintf(reference, sizeof(reference), "&#%u;", static_cast<unsigned>(c));
      html += reference;
    }
  }
  return html;
}

std::string shortened(std::string_view utf8, std::size_t characters) {
  std::string_view rest = utf8;
  std::size_t cut = 0;  // where the text ends if its last character gives way to the ellipsis
  for (std::size_t n = 0; n < characters && !rest.empty(); ++n) {
    cut = utf8.size() - rest.size();
    next_character(rest);
  }
  if (rest.empty()) return std::string(utf8);
  while (cut > 0 && utf8[cut - 1] == ' ') --cut;
  return std::string(utf8.substr(0, cut)) + "\u2026";
}

}  // namespace als
