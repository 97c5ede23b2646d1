// SPDX-License-Identifier: Apache-2.0
#include "proto-json/text_lines.h"

#include <charconv>

#include "proto-json/encoding.h"

namespace openexec {
namespace {

constexpr std::uint64_t decimal_end = std::uint64_t{1} << 62U;

}  // namespace

std::optional<std::string_view> take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  if (end == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  return line;
}

std::optional<std::uint64_t> read_decimal(std::string_view text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stopped, error] = std::from_chars(text.data(), end, value);
  const bool is_whole = error == std::errc() && stopped == end && (text.front() != '0' || text.size() == 1);
  return is_whole && value < decimal_end ? std::optional(value) : std::nullopt;
}

std::string to_base64_line(const Hash& hash) { return to_base64(hash.view()) + "\n"; }

std::optional<Hash> read_base64_hash(std::string_view text) {
  const auto bytes = from_base64(text);
  return bytes ? Hash::from(*bytes) : std::nullopt;
}

std::optional<std::vector<Hash>> take_hash_lines(std::string_view& rest, std::size_t count_max) {
  std::vector<Hash> hashes;
  while (true) {
    const auto line = take_line(rest);
    if (!line) {
      return std::nullopt;
    }
    if (line->empty()) {
      return hashes;
    }
    const auto hash = read_base64_hash(*line);
    if (!hash || hashes.size() == count_max) {
      return std::nullopt;
    }
    hashes.push_back(*hash);
  }
}

}  // namespace openexec
