// SPDX-License-Identifier: Apache-2.0
#include "daemon/config_values.h"

#include <charconv>
#include <limits>
#include <span>

namespace openexec {
namespace {

struct Unit {
  std::string_view suffix;
  std::uint64_t factor;
};

constexpr Unit duration_units[] = {{"s", 1}, {"m", 60}, {"h", 60 * 60}, {"d", 24 * 60 * 60}};
constexpr Unit fine_duration_units[] = {
    {"ms", 1}, {"s", 1000}, {"m", 60 * 1000}, {"h", 60 * 60 * 1000}, {"d", 24 * 60 * 60 * 1000}};
constexpr Unit size_units[] = {{"KiB", std::uint64_t{1} << 10},
                               {"MiB", std::uint64_t{1} << 20},
                               {"GiB", std::uint64_t{1} << 30},
                               {"TiB", std::uint64_t{1} << 40},
                               {"", 1}};
constexpr Unit percent_units[] = {{"%", 1}};
constexpr std::uint32_t file_mode_max = 0777;

std::optional<std::uint64_t> number_of(std::string_view text, int base) {
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value, base);
  return error == std::errc() && stopped == end ? std::optional(value) : std::nullopt;
}

// A whole number and one of the units; the first whose suffix fits.
std::optional<std::uint64_t> quantity_of(std::string_view text, std::span<const Unit> units) {
  for (const Unit& unit : units) {
    if (text.ends_with(unit.suffix)) {
      const auto number = number_of(text.substr(0, text.size() - unit.suffix.size()), 10);
      const auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / unit.factor;
      return number.has_value() && *number <= most ? std::optional(*number * unit.factor) : std::nullopt;
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> duration_s_of(std::string_view text) {
  const auto seconds = quantity_of(text, duration_units);
  return seconds.has_value() ? std::optional(static_cast<std::int64_t>(*seconds)) : std::nullopt;
}

std::optional<std::int64_t> duration_ms_of(std::string_view text) {
  const auto ms = quantity_of(text, fine_duration_units);
  return ms.has_value() ? std::optional(static_cast<std::int64_t>(*ms)) : std::nullopt;
}

std::optional<std::uint64_t> size_bytes_of(std::string_view text) { return quantity_of(text, size_units); }

std::optional<std::uint64_t> percent_of(std::string_view text) { return quantity_of(text, percent_units); }

std::optional<std::uint32_t> file_mode_of(std::string_view text) {
  const auto mode = number_of(text, 8);
  return mode.has_value() && *mode <= file_mode_max ? std::optional(static_cast<std::uint32_t>(*mode)) : std::nullopt;
}

}  // namespace openexec
