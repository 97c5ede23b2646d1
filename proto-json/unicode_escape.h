// SPDX-License-Identifier: Apache-2.0
// The escape \uXXXX of JSON text: one code unit of UTF-16.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace openexec {

inline constexpr std::size_t unicode_escape_bytes = 6;

// The code unit that is written at `at`, in digits of either case; nothing when no such escape stands there.
constexpr std::optional<char32_t> unicode_escape(std::string_view text, std::size_t at) {
  if (text.size() < at + unicode_escape_bytes || text[at] != '\\' || text[at + 1] != 'u') {
    return std::nullopt;
  }
  char32_t value = 0;
  for (const char c : text.substr(at + 2, 4)) {
    const bool digit = c >= '0' && c <= '9';
    const bool lower = c >= 'a' && c <= 'f';
    const bool upper = c >= 'A' && c <= 'F';
    if (!digit && !lower && !upper) {
      return std::nullopt;
    }
    value = value * 16 + static_cast<char32_t>(digit ? c - '0' : lower ? c - 'a' + 10 : c - 'A' + 10);
  }
  return value;
}

constexpr bool is_high_surrogate(char32_t unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
constexpr bool is_low_surrogate(char32_t unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

}  // namespace openexec
