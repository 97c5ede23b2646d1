// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace openexec {

// What the head of a text stands for, were it inside a string of JSON.
struct Unescaped {
  std::array<char, 4> bytes;  // one character's UTF-8, or one byte as it stands
  std::size_t count;          // of them
  std::size_t taken;          // bytes of the text
};

// A backslash that begins no escape stands for itself. \uDC80 to \uDCFF, which are no characters, stand for the bytes
// 0x80 to 0xFF: so Python's json.dumps() writes bytes that are no UTF-8. `text` is not empty.
Unescaped first_unescaped(std::string_view text);

}  // namespace openexec
