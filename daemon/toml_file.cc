// SPDX-License-Identifier: Apache-2.0
#include "daemon/toml_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <optional>
#include <string>

#include "proto-json/limits.h"

namespace openexec {
namespace {

// What of the text stands at `at` and holds no key: a comment up to its line's end, or a quoted text, as far as it
// goes. The number of bytes; 0 for anything else.
std::size_t bytes_without_keys(std::string_view text) {
  if (text.starts_with('#')) {
    return std::min(text.find('\n'), text.size());
  }
  const bool is_basic = text.starts_with('"');
  if (!is_basic && !text.starts_with('\'')) {
    return 0;
  }
  const std::string quote(1, text.front());
  const bool is_long = text.starts_with(quote + quote + quote);
  const std::string end = is_long ? quote + quote + quote : quote;
  std::size_t at = end.size();
  while (at < text.size() && !text.substr(at).starts_with(end) && (is_long || text[at] != '\n')) {
    at += is_basic && text[at] == '\\' ? 2 : 1;
  }
  at = std::min(at + (at < text.size() && text[at] == '\n' ? 0 : end.size()), text.size());
  for (int own = 0; is_long && own < 2 && text.substr(at).starts_with(quote); ++own) {
    ++at;  // quotes of its own, before those that end it
  }
  return at;
}

// The line with a dotted key of more parts than the parser can be trusted with: it takes a level of the stack for each.
std::optional<std::size_t> line_of_deep_key(std::string_view text) {
  constexpr std::string_view ends_of_keys = "\n=,[]{}";
  std::size_t line = 1;
  std::size_t dots = 0;
  while (!text.empty()) {
    const std::size_t skipped = bytes_without_keys(text);
    const std::string_view part = text.substr(0, std::max<std::size_t>(skipped, 1));
    if (skipped == 0) {
      const char c = part.front();
      dots = ends_of_keys.find(c) != std::string_view::npos ? 0 : dots + (c == '.' ? 1 : 0);
    }
    if (dots > limits::json_depth_max) {
      return line;
    }
    line += static_cast<std::size_t>(std::ranges::count(part, '\n'));
    text.remove_prefix(part.size());
  }
  return std::nullopt;
}

}  // namespace

std::expected<toml::table, std::string> parse_toml(std::string_view text, const std::string& path) {
  if (const auto line = line_of_deep_key(text); line.has_value()) {
    return std::unexpected(fmt::format("{}:{}: it has more than {} dots in a row of words; shorten it", path, *line,
                                       limits::json_depth_max));
  }
  try {
    return toml::parse(text, path);
  } catch (const toml::parse_error& error) {
    return std::unexpected(
        fmt::format("{}:{}: {}; correct the line", path, error.source().begin.line, error.description()));
  } catch (const std::exception& error) {
    return std::unexpected(fmt::format("{}: {}", path, error.what()));
  }
}

}  // namespace openexec
