// Text on its way into a page.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace als {

/// UTF-8 text as the content of an element or of a quoted attribute, of HTML and XML alike. The
/// result is ASCII, with references for whatever is not, so that a page means the same in any
/// encoding. What is no character of XML, a control or a malformed byte, becomes U+FFFD.
std::string escaped(std::string_view utf8);

/// The first `characters` characters, with an ellipsis where there are more.
std::string shortened(std::string_view utf8, std::size_t characters);

}  // namespace als
