// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/process_usage.h"

#include <fmt/format.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <iterator>
#include <string>
#include <system_error>

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

std::optional<std::uint64_t> cpu_ticks_of(std::string_view stat) {
  // The second field is the program's name in parentheses, which may hold spaces and parentheses itself.
  const std::size_t name_end = stat.rfind(") ");
  if (name_end == std::string_view::npos) {
    return std::nullopt;
  }
  stat.remove_prefix(name_end + 2);
  constexpr int first_field = 3;  // as proc(5) counts them
  constexpr int utime_field = 14;
  constexpr int cstime_field = 17;  // behind utime, stime and cutime
  std::uint64_t ticks = 0;
  for (int field = first_field; field <= cstime_field; ++field) {
    const std::size_t size = stat.find(' ');
    if (size == std::string_view::npos) {
      return std::nullopt;
    }
    if (field >= utime_field) {
      std::uint64_t value = 0;
      const auto [end, error] = std::from_chars(stat.data(), stat.data() + size, value);
      if (error != std::errc() || end != stat.data() + size) {
        return std::nullopt;
      }
      ticks += value;
    }
    stat.remove_prefix(size + 1);
  }
  return ticks;
}

std::optional<double> cpu_us(std::int32_t pid) {
  std::ifstream file(fmt::format("/proc/{}/stat", pid));
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  const auto ticks = cpu_ticks_of(text);
  const long per_second = sysconf(_SC_CLK_TCK);
  if (!ticks || per_second <= 0) {
    return std::nullopt;
  }
  return static_cast<double>(*ticks) * 1e6 / static_cast<double>(per_second);
}

}  // namespace openexec::bench
