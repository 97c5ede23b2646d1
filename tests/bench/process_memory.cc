// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/process_memory.h"

#include <fmt/format.h>

#include <charconv>
#include <fstream>
#include <string>

namespace openexec::bench {

std::optional<std::int64_t> memory_kib(std::int32_t pid, std::string_view line) {
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  std::string text;
  while (std::getline(status, text)) {
    if (!text.starts_with(line) || text.substr(line.size(), 1) != ":") {
      continue;
    }
    const std::size_t digits = text.find_first_of("0123456789");
    std::int64_t value = 0;
    if (digits != std::string::npos &&
        std::from_chars(text.data() + digits, text.data() + text.size(), value).ec == std::errc()) {
      return value;
    }
  }
  return std::nullopt;
}

}  // namespace openexec::bench
