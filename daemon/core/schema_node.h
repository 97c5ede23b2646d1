// SPDX-License-Identifier: Apache-2.0
// A compiled schema: what schema_compile.cc makes of a document and schema.cc judges values by. A keyword that a
// document does not have is an empty member here.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/core/schema_pattern.h"
#include "proto-json/json.h"

namespace openexec {

// The names of `type`; a set of them has the bit of each one's place here.
inline constexpr std::array<std::string_view, 7> schema_types = {"array",  "boolean", "integer", "null",
                                                                 "number", "object",  "string"};
using SchemaTypes = std::uint8_t;

struct NumberBound {
  std::string_view keyword;
  bool (*holds)(const Json& value, const Json& bound);
  Json bound;
};

struct CountBound {
  std::string_view keyword;
  bool is_max = false;
  std::uint64_t count = 0;
};

struct SchemaNode {
  bool is_false = false;  // the schema `false`: nothing fits
  std::optional<SchemaTypes> types;
  std::optional<std::vector<std::string>> enumerated;  // value_key() of each, sorted
  std::optional<std::string> constant;                 // its value_key()
  std::vector<NumberBound> numbers;
  std::vector<CountBound> lengths;  // of a string, in code points
  std::optional<SchemaPattern> pattern;
  std::vector<CountBound> item_counts;
  bool has_unique_items = false;
  std::unique_ptr<const SchemaNode> items;
  std::vector<CountBound> member_counts;
  std::vector<std::string> required;
  std::map<std::string, std::unique_ptr<const SchemaNode>, std::less<>> properties;
  std::unique_ptr<const SchemaNode> additional;
};

// A step of a JSON pointer (RFC 6901): the name as quoted_name() has it, so that nobody's name makes a long message or
// writes on a terminal.
std::string pointer_step(std::string_view name);

std::expected<std::unique_ptr<const SchemaNode>, std::string> compile_schema(const Json& document);

}  // namespace openexec
