// SPDX-License-Identifier: Apache-2.0
// One character of UTF-8 at a time (RFC 3629: no surrogates, no overlong forms, nothing past U+10FFFF).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace openexec {

struct Utf8Character {
  char32_t code_point;
  std::size_t bytes;  // 1 to 4
};

// The character at the head of `text`; nothing when `text` is empty or does not begin with a whole one.
constexpr std::optional<Utf8Character> first_utf8_character(std::string_view text) {
  if (text.empty()) {
    return std::nullopt;
  }
  const auto lead = static_cast<std::uint8_t>(text[0]);
  if (lead < 0x80) {
    return Utf8Character{lead, 1};
  }
  // C0 and C1 could only begin overlong forms; F5 and above lie past U+10FFFF.
  if (lead < 0xC2 || lead > 0xF4) {
    return std::nullopt;
  }
  const std::size_t bytes = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (text.size() < bytes) {
    return std::nullopt;
  }
  auto code_point = static_cast<char32_t>(lead & (0x7F >> bytes));
  for (std::size_t i = 1; i < bytes; ++i) {
    const auto next = static_cast<std::uint8_t>(text[i]);
    if ((next & 0xC0) != 0x80) {
      return std::nullopt;
    }
    code_point = (code_point << 6) | (next & 0x3F);
  }
  const bool overlong = (bytes == 3 && code_point < 0x800) || (bytes == 4 && code_point < 0x10000);
  const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (overlong || surrogate || code_point > 0x10FFFF) {
    return std::nullopt;
  }
  return Utf8Character{code_point, bytes};
}

}  // namespace openexec
