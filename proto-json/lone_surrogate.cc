// SPDX-License-Identifier: Apache-2.0
#include "proto-json/lone_surrogate.h"

#include <cstddef>
#include <optional>

namespace openexec {
namespace {

// The four hexadecimal digits of "\uXXXX" at `at`; nothing when no such escape stands there.
std::optional<unsigned> unicode_escape(std::string_view text, std::size_t at) {
  if (text.size() < at + 6 || text[at] != '\\' || text[at + 1] != 'u') {
    return std::nullopt;
  }
  unsigned value = 0;
  for (const char c : text.substr(at + 2, 4)) {
    const bool digit = c >= '0' && c <= '9';
    const bool lower = c >= 'a' && c <= 'f';
    const bool upper = c >= 'A' && c <= 'F';
    if (!digit && !lower && !upper) {
      return std::nullopt;
    }
    value = value * 16 + static_cast<unsigned>(digit ? c - '0' : lower ? c - 'a' + 10 : c - 'A' + 10);
  }
  return value;
}

bool is_high(unsigned unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool is_low(unsigned unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

}  // namespace

bool has_lone_surrogate(std::string_view text) {
  std::size_t at = text.find('\\');
  while (at != std::string_view::npos) {
    std::size_t bytes = 2;
    if (const auto unit = unicode_escape(text, at)) {
      bytes = 6;
      if (is_low(*unit)) {
        return true;
      }
      if (is_high(*unit)) {
        const auto low = unicode_escape(text, at + 6);
        if (!low || !is_low(*low)) {
          return true;
        }
        bytes = 12;
      }
    }
    at = text.find('\\', at + bytes);
  }
  return false;
}

}  // namespace openexec
