// SPDX-License-Identifier: Apache-2.0
// A leaf read the long way round, to hold read_leaf() against: parse the JSON, read it strictly, write it again.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "proto-json/json.h"
#include "proto-json/receipt.h"
#include "proto-json/receipt_rules.h"

namespace openexec {

template <typename Content>
std::optional<LeafContent> if_spelled_so(const std::expected<Content, std::string>& content, std::string_view text) {
  return content && to_leaf(*content) == text ? std::optional<LeafContent>(*content) : std::nullopt;
}

inline std::optional<LeafContent> read_the_long_way(std::string_view text) {
  const auto json = parse_json(text);
  if (!json) {
    return std::nullopt;
  }
  const std::string* const kind = json->find_string("kind");
  if (kind != nullptr && *kind == "denied_summary") {
    return if_spelled_so(summary_from_json(*json), text);
  }
  if (kind != nullptr && *kind == "admin") {
    return if_spelled_so(admin_from_json(*json), text);
  }
  return if_spelled_so(receipt_from_json(*json), text);
}

// Whether both ways say the same, and a refusal says why.
inline bool both_ways_agree(std::string_view text) {
  const auto read = read_leaf(text);
  const auto expected = read_the_long_way(text);
  return read.has_value() == expected.has_value() && (read ? *read == *expected : !read.error().empty());
}

}  // namespace openexec
