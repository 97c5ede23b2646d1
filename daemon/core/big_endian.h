// SPDX-License-Identifier: Apache-2.0
// Integers in stored keys and values: big-endian, so that byte order is number order.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace openexec {

template <typename Unsigned>
void append_big_endian(std::string& out, Unsigned value) {
  for (int shift = static_cast<int>(sizeof(Unsigned) * 8) - 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(static_cast<unsigned char>(value >> shift)));
  }
}

template <typename Unsigned>
std::string to_big_endian(Unsigned value) {
  std::string out;
  append_big_endian(out, value);
  return out;
}

// The number that `bytes` are, whole; nothing when their count is another.
template <typename Unsigned>
std::optional<Unsigned> from_big_endian(std::string_view bytes) {
  if (bytes.size() != sizeof(Unsigned)) {
    return std::nullopt;
  }
  Unsigned value = 0;
  for (const char byte : bytes) {
    value = static_cast<Unsigned>((value << 8U) | static_cast<unsigned char>(byte));
  }
  return value;
}

}  // namespace openexec
