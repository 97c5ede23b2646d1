// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/json_escape.h"

#include <optional>

#include "proto-json/unicode_escape.h"

namespace openexec {
namespace {

constexpr char as_byte(char32_t bits) { return static_cast<char>(static_cast<unsigned char>(bits)); }
constexpr char continuation(char32_t bits) { return as_byte(0x80 | (bits & 0x3F)); }

Unescaped as_utf8(char32_t c, std::size_t taken) {
  if (c < 0x80) {
    return {{as_byte(c)}, 1, taken};
  }
  if (c < 0x800) {
    return {{as_byte(0xC0 | (c >> 6)), continuation(c)}, 2, taken};
  }
  if (c < 0x10000) {
    return {{as_byte(0xE0 | (c >> 12)), continuation(c >> 6), continuation(c)}, 3, taken};
  }
  return {{as_byte(0xF0 | (c >> 18)), continuation(c >> 12), continuation(c >> 6), continuation(c)}, 4, taken};
}

Unescaped code_units(std::string_view text, char32_t first) {
  const auto second = is_high_surrogate(first) ? unicode_escape(text, unicode_escape_bytes) : std::nullopt;
  if (second && is_low_surrogate(*second)) {
    return as_utf8(0x10000 + ((first & 0x3FF) << 10) + (*second & 0x3FF), 2 * unicode_escape_bytes);
  }
  if (first >= 0xDC80 && first <= 0xDCFF) {
    return {{as_byte(first)}, 1, unicode_escape_bytes};
  }
  return as_utf8(first, unicode_escape_bytes);
}

}  // namespace

Unescaped first_unescaped(std::string_view text) {
  constexpr std::string_view letters = "\"\\/bfnrt";
  constexpr std::string_view characters = "\"\\/\b\f\n\r\t";
  if (text.front() != '\\' || text.size() == 1) {
    return {{text.front()}, 1, 1};
  }
  if (const auto unit = unicode_escape(text, 0)) {
    return code_units(text, *unit);
  }
  const std::size_t letter = letters.find(text[1]);
  return letter == std::string_view::npos ? Unescaped{{'\\'}, 1, 1} : Unescaped{{characters[letter]}, 1, 2};
}

}  // namespace openexec
