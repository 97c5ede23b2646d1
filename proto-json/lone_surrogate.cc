// SPDX-License-Identifier: Apache-2.0
#include "proto-json/lone_surrogate.h"

#include <cstddef>

#include "proto-json/unicode_escape.h"

namespace openexec {

bool has_lone_surrogate(std::string_view text) {
  std::size_t at = text.find('\\');
  while (at != std::string_view::npos) {
    std::size_t bytes = 2;
    if (const auto unit = unicode_escape(text, at)) {
      bytes = unicode_escape_bytes;
      if (is_low_surrogate(*unit)) {
        return true;
      }
      if (is_high_surrogate(*unit)) {
        const auto low = unicode_escape(text, at + unicode_escape_bytes);
        if (!low || !is_low_surrogate(*low)) {
          return true;
        }
        bytes = 2 * unicode_escape_bytes;
      }
    }
    at = text.find('\\', at + bytes);
  }
  return false;
}

}  // namespace openexec
