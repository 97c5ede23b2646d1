// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/schema.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/core/json_value.h"
#include "daemon/core/schema_node.h"
#include "proto-json/canonical.h"
#include "proto-json/limits.h"
#include "proto-json/names.h"

namespace openexec {
namespace {

using Objection = std::optional<std::string>;
using PatternSteps = std::uint64_t;  // that are left for this value: SchemaPattern::steps_for()

// Where in the value we are: a step from the place that `parent` is. Written out only for an objection.
struct Path {
  const Path* parent = nullptr;
  const std::string* name = nullptr;  // of a member; an item otherwise
  std::size_t index = 0;

  [[nodiscard]] std::string pointer() const {
    if (parent == nullptr) {
      return {};
    }
    return parent->pointer() + (name != nullptr ? pointer_step(*name) : fmt::format("/{}", index));
  }

  [[nodiscard]] std::string objects(std::string_view what) const {
    return fmt::format("{}: {}", parent == nullptr ? "the payload" : pointer(), what);
  }
};

constexpr SchemaTypes bit_of(std::string_view type) {
  return static_cast<SchemaTypes>(
      1U << static_cast<unsigned>(std::ranges::find(schema_types, type) - schema_types.begin()));
}

// A number without a fraction is an integer and a number.
SchemaTypes types_of(const Json& value) {
  if (value.is_null()) {
    return bit_of("null");
  }
  if (value.if_bool() != nullptr) {
    return bit_of("boolean");
  }
  if (value.if_string() != nullptr) {
    return bit_of("string");
  }
  if (value.if_array() != nullptr) {
    return bit_of("array");
  }
  if (value.if_object() != nullptr) {
    return bit_of("object");
  }
  return static_cast<SchemaTypes>(bit_of("number") | (is_integer(value) ? bit_of("integer") : 0));
}

std::string text_of(SchemaTypes types) {
  std::vector<std::string_view> names;
  std::ranges::copy_if(schema_types, std::back_inserter(names),
                       [&](std::string_view name) { return (types & bit_of(name)) != 0; });
  return fmt::format("{}", fmt::join(names, " or "));
}

Objection judge_value(const SchemaNode& node, const Json& value, const Path& path) {
  if (node.is_false) {
    return path.objects("the schema is `false`: nothing may stand here");
  }
  if (node.types && (*node.types & types_of(value)) == 0) {
    return path.objects("`type` is " + text_of(*node.types));
  }
  if (!node.enumerated && !node.constant) {
    return std::nullopt;
  }
  const std::string key = value_key(value);
  if (node.enumerated && !std::ranges::binary_search(*node.enumerated, key)) {
    return path.objects("not one of the values of `enum`");
  }
  if (node.constant && *node.constant != key) {
    return path.objects("not the value of `const`");
  }
  return std::nullopt;
}

Objection judge_number(const SchemaNode& node, const Json& value, const Path& path) {
  for (const NumberBound& rule : node.numbers) {
    if (!rule.holds(value, rule.bound)) {
      return path.objects(fmt::format("`{}` is {}", rule.keyword, to_compact(rule.bound)));
    }
  }
  return std::nullopt;
}

Objection judge_count(const std::vector<CountBound>& bounds, std::size_t count, const Path& path) {
  for (const CountBound& bound : bounds) {
    if (bound.is_max ? count > bound.count : count < bound.count) {
      return path.objects(fmt::format("`{}` is {}", bound.keyword, bound.count));
    }
  }
  return std::nullopt;
}

std::size_t code_points(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

Objection judge_string(const SchemaNode& node, const std::string& text, const Path& path, PatternSteps& left) {
  if (!node.lengths.empty()) {
    if (auto objection = judge_count(node.lengths, code_points(text), path)) {
      return objection;
    }
  }
  if (!node.pattern) {
    return std::nullopt;
  }
  const std::uint64_t steps = node.pattern->steps_for(text);
  if (steps > left) {
    return path.objects(fmt::format("too much text for `pattern` {}", node.pattern->text()));
  }
  left -= steps;
  if (!node.pattern->is_found_in(text)) {
    return path.objects(fmt::format("does not match `pattern` {}", node.pattern->text()));
  }
  return std::nullopt;
}

// Sorted texts and no pairwise comparison, and no hash that a caller could fill with collisions.
bool are_unique(const Json::Array& items) {
  std::vector<std::string> keys;
  keys.reserve(items.size());
  std::ranges::transform(items, std::back_inserter(keys), value_key);
  std::ranges::sort(keys);
  return std::ranges::adjacent_find(keys) == keys.end();
}

Objection judge(const SchemaNode& node, const Json& value, const Path& path, PatternSteps& left);

Objection judge_array(const SchemaNode& node, const Json::Array& items, const Path& path, PatternSteps& left) {
  if (auto objection = judge_count(node.item_counts, items.size(), path)) {
    return objection;
  }
  if (node.has_unique_items && !are_unique(items)) {
    return path.objects("`uniqueItems` is true, and two items are equal");
  }
  for (std::size_t i = 0; node.items != nullptr && i < items.size(); ++i) {
    if (auto objection = judge(*node.items, items[i], {&path, nullptr, i}, left)) {
      return objection;
    }
  }
  return std::nullopt;
}

Objection judge_object(const SchemaNode& node, const Json& value, const Path& path, PatternSteps& left) {
  const Json::Object& members = *value.if_object();
  if (auto objection = judge_count(node.member_counts, members.size(), path)) {
    return objection;
  }
  for (const std::string& name : node.required) {
    if (value.find(name) == nullptr) {
      return path.objects(fmt::format("`required` misses {}", quoted_name(name)));
    }
  }
  for (const Member& member : members) {
    const auto property = node.properties.find(member.key);
    const SchemaNode* const inner = property != node.properties.end() ? property->second.get() : node.additional.get();
    if (inner == nullptr) {
      continue;
    }
    if (inner->is_false && inner == node.additional.get()) {
      return path.objects(
          fmt::format("`additionalProperties` is false, and {} is not in `properties`", quoted_name(member.key)));
    }
    if (auto objection = judge(*inner, member.value, {&path, &member.key, 0}, left)) {
      return objection;
    }
  }
  return std::nullopt;
}

// Each part of the value is judged by one schema at most, and is in one value_key() at most for each schema above it.
Objection judge(const SchemaNode& node, const Json& value, const Path& path, PatternSteps& left) {
  if (auto objection = judge_value(node, value, path)) {
    return objection;
  }
  if (is_number(value)) {
    return judge_number(node, value, path);
  }
  if (const auto* const text = value.if_string()) {
    return judge_string(node, *text, path, left);
  }
  if (const auto* const items = value.if_array()) {
    return judge_array(node, *items, path, left);
  }
  return value.if_object() != nullptr ? judge_object(node, value, path, left) : std::nullopt;
}

bool describes_object(const Json& document) {
  if (document.find("properties") != nullptr) {
    return true;
  }
  const Json* const type = document.find("type");
  const auto* const list = type == nullptr ? nullptr : type->if_array();
  return type != nullptr &&
         (*type == Json("object") || (list != nullptr && std::ranges::find(*list, Json("object")) != list->end()));
}

Json closed_to(const Json& document, std::size_t depth);

Json::Object closed_properties(const Json::Object& properties, std::size_t depth) {
  Json::Object out;
  std::ranges::transform(properties, std::back_inserter(out),
                         [&](const Member& member) { return Member{member.key, closed_to(member.value, depth)}; });
  return out;
}

// Deeper than a schema may be it stays as it is: compile() refuses it.
Json closed_to(const Json& document, std::size_t depth) {
  const auto* const members = document.if_object();
  if (members == nullptr || depth > limits::schema_depth_max) {
    return document;
  }
  Json::Object out;
  for (const Member& member : *members) {
    const auto* const properties = member.key == "properties" ? member.value.if_object() : nullptr;
    if (properties != nullptr) {
      out.push_back({member.key, Json::object(closed_properties(*properties, depth + 1))});
    } else if (member.key == "items" || member.key == "additionalProperties") {
      out.push_back({member.key, closed_to(member.value, depth + 1)});
    } else {
      out.push_back(member);
    }
  }
  if (describes_object(document) && document.find("additionalProperties") == nullptr) {
    out.push_back({"additionalProperties", false});
  }
  return Json::object(std::move(out));
}

}  // namespace

std::expected<Schema, std::string> Schema::compile(Json document) {
  auto root = compile_schema(document);
  if (!root) {
    return std::unexpected(std::move(root.error()));
  }
  return Schema(std::move(document), std::shared_ptr<const SchemaNode>(std::move(*root)));
}

Json Schema::closed(const Json& document) { return closed_to(document, 1); }

std::optional<std::string> Schema::objection(const Json& value) const {
  PatternSteps left = limits::schema_pattern_steps_max;
  return judge(*root_, value, {}, left);
}

}  // namespace openexec
