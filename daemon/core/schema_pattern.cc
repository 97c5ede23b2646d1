// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/schema_pattern.h"

#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>

#include "proto-json/limits.h"

namespace openexec {
namespace {

bool takes_part_in_flags(char c) { return std::string_view("imsU-").contains(c); }

// What RE2 takes and must not be there; empty when nothing is. With \Q refused, a backslash and what is behind it are
// always a pair. Nobody needs "(?m" in a list of characters, so it is refused there as well.
std::string_view refused_syntax(std::string_view pattern) {
  for (std::size_t i = 0; i + 1 < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      switch (pattern[++i]) {
        case 'C':
          return "\\C, which is one byte and may be part of a character";
        case 'Q':
          return "\\Q, which ECMA-262 does not have";
        default:
          continue;
      }
    }
    if (pattern.substr(i).starts_with("(?")) {
      for (std::size_t at = i + 2; at < pattern.size() && takes_part_in_flags(pattern[at]); ++at) {
        if (pattern[at] == 'm') {
          return "the flag m: ^ and $ are the ends of the whole text";
        }
      }
    }
  }
  return {};
}

}  // namespace

std::expected<SchemaPattern, std::string> SchemaPattern::compile(const std::string& pattern) {
  if (pattern.size() > limits::schema_pattern_bytes_max) {
    return std::unexpected(fmt::format("is longer than {} bytes", limits::schema_pattern_bytes_max));
  }
  if (const std::string_view refused = refused_syntax(pattern); !refused.empty()) {
    return std::unexpected(fmt::format("may not hold {}", refused));
  }
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(static_cast<std::int64_t>(limits::schema_pattern_memory_bytes_max));
  auto expression = std::make_shared<const re2::RE2>(pattern, options);
  if (!expression->ok()) {
    std::string error(expression->error());  // quotes the pattern
    std::ranges::replace_if(error, [](char c) { return c < ' ' || c > '~'; }, '?');
    return std::unexpected(
        fmt::format("is no regular expression of RE2's syntax, in {} bytes: {}; it has no look-around and no back "
                    "references, so that matching takes linear time",
                    limits::schema_pattern_memory_bytes_max, error));
  }
  return SchemaPattern(std::move(expression));
}

bool SchemaPattern::is_found_in(std::string_view text) const {
  return re2::RE2::PartialMatch({text.data(), text.size()}, *expression_);
}

std::uint64_t SchemaPattern::steps_for(std::string_view text) const {
  return std::uint64_t{text.size()} * static_cast<std::uint64_t>(std::max(expression_->ProgramSize(), 1));
}

std::string_view SchemaPattern::text() const { return expression_->pattern(); }

}  // namespace openexec
