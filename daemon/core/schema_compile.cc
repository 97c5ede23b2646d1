// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "daemon/core/json_value.h"
#include "daemon/core/schema_advice.h"
#include "daemon/core/schema_node.h"
#include "proto-json/canonical.h"
#include "proto-json/limits.h"
#include "proto-json/names.h"

namespace openexec {
namespace {

constexpr std::string_view dialect = "https://json-schema.org/draft/2020-12/schema";

using Compiled = std::expected<void, std::string>;
using CompiledNode = std::expected<std::unique_ptr<const SchemaNode>, std::string>;

// Where a keyword or a schema stands in the document.
struct Place {
  std::string pointer;
  std::string_view keyword;
  std::size_t depth = 1;  // of schemas

  [[nodiscard]] Place below(std::string_view step) const { return {pointer + pointer_step(step), keyword, depth + 1}; }
};

std::unexpected<std::string> refused(const Place& place, std::string_view what) {
  return std::unexpected(fmt::format("{}: {}", place.pointer.empty() ? "the schema" : place.pointer, what));
}

// One compilation.
struct Compiler {
  std::size_t nodes = 0;
  CompiledNode node(const Json& document, const Place& place);
};

using Keyword = Compiled (*)(Compiler&, SchemaNode&, const Json& value, const Place&);

Compiled compile_type(Compiler&, SchemaNode& node, const Json& value, const Place& place) {
  const Json::Array single = {value};
  const Json::Array* const names = value.if_array() != nullptr ? value.if_array() : &single;
  SchemaTypes types = 0;
  for (const Json& name : *names) {
    const auto* const text = name.if_string();
    const auto* const found = text == nullptr ? schema_types.end() : std::ranges::find(schema_types, *text);
    const auto bit = 1U << static_cast<unsigned>(found - schema_types.begin());
    if (found == schema_types.end() || (types & bit) != 0) {
      types = 0;
      break;
    }
    types = static_cast<SchemaTypes>(types | bit);
  }
  if (types == 0) {
    return refused(
        place, fmt::format("must be one of {}, or a list of some of them, each once", fmt::join(schema_types, ", ")));
  }
  node.types = types;
  return {};
}

Compiled compile_enum(Compiler&, SchemaNode& node, const Json& value, const Place& place) {
  const auto* const values = value.if_array();
  if (values == nullptr || values->empty()) {
    return refused(place, "must be a list of one value or more");
  }
  node.enumerated.emplace();
  std::ranges::transform(*values, std::back_inserter(*node.enumerated), value_key);
  std::ranges::sort(*node.enumerated);
  return {};
}

Compiled compile_const(Compiler&, SchemaNode& node, const Json& value, const Place&) {
  node.constant = value_key(value);
  return {};
}

template <bool (*holds)(const Json&, const Json&)>
Compiled compile_number(Compiler&, SchemaNode& node, const Json& value, const Place& place) {
  if (!is_number(value)) {
    return refused(place, "must be a number");
  }
  node.numbers.push_back({place.keyword, holds, value});
  return {};
}

bool is_at_most(const Json& a, const Json& b) { return std::is_lteq(compare_numbers(a, b)); }
bool is_at_least(const Json& a, const Json& b) { return std::is_gteq(compare_numbers(a, b)); }
bool is_below(const Json& a, const Json& b) { return std::is_lt(compare_numbers(a, b)); }
bool is_above(const Json& a, const Json& b) { return std::is_gt(compare_numbers(a, b)); }

Compiled compile_multiple(Compiler& compiler, SchemaNode& node, const Json& value, const Place& place) {
  if (!is_number(value) || !is_above(value, 0)) {
    return refused(place, "must be a number above 0");
  }
  return compile_number<is_multiple_of>(compiler, node, value, place);
}

template <std::vector<CountBound> SchemaNode::* bounds>
Compiled compile_count(Compiler&, SchemaNode& node, const Json& value, const Place& place) {
  if (!is_number(value) || !is_integer(value) || !is_at_least(value, 0) || !is_at_most(value, INT64_MAX)) {
    return refused(place, "must be an integer of 0 or more");
  }
  const auto* const integer = value.if_int();
  const auto count =
      integer != nullptr ? static_cast<std::uint64_t>(*integer) : static_cast<std::uint64_t>(*value.if_double());
  (node.*bounds).push_back({place.keyword, place.keyword.starts_with("max"), count});
  return {};
}

Compiled compile_pattern(Compiler&, SchemaNode& node, const Json& value, const Place& place) {
  const auto* const text = value.if_string();
  if (text == nullptr) {
    return refused(place, "must be a string");
  }
  auto pattern = SchemaPattern::compile(*text);
  if (!pattern) {
    return refused(place, pattern.error());
  }
  node.pattern = std::move(*pattern);
  return {};
}

template <std::unique_ptr<const SchemaNode> SchemaNode::* member>
Compiled compile_inner(Compiler& compiler, SchemaNode& node, const Json& value, const Place& place) {
  if (value.if_array() != nullptr) {
    return refused(place, "must be one schema: list forms are not taken");
  }
  auto inner = compiler.node(value, {place.pointer, {}, place.depth + 1});
  if (!inner) {
    return std::unexpected(std::move(inner.error()));
  }
  node.*member = std::move(*inner);
  return {};
}

Compiled compile_unique(Compiler&, SchemaNode& node, const Json& value, const Place& place) {
  if (value.if_bool() == nullptr) {
    return refused(place, "must be true or false");
  }
  node.has_unique_items = *value.if_bool();
  return {};
}

Compiled compile_required(Compiler&, SchemaNode& node, const Json& value, const Place& place) {
  const auto is_text = [](const Json& name) { return name.if_string() != nullptr; };
  const auto* const names = value.if_array();
  if (names == nullptr || !std::ranges::all_of(*names, is_text)) {
    return refused(place, "must be a list of strings");
  }
  std::ranges::transform(*names, std::back_inserter(node.required), [](const Json& name) { return *name.if_string(); });
  std::vector<std::string> sorted = node.required;
  std::ranges::sort(sorted);
  const auto twice = std::ranges::adjacent_find(sorted);
  if (twice != sorted.end()) {
    return refused(place, fmt::format("names {} twice", quoted_name(*twice)));
  }
  return {};
}

Compiled compile_properties(Compiler& compiler, SchemaNode& node, const Json& value, const Place& place) {
  const auto* const members = value.if_object();
  if (members == nullptr) {
    return refused(place, "must be an object of schemas");
  }
  for (const Member& member : *members) {
    auto inner = compiler.node(member.value, place.below(member.key));
    if (!inner) {
      return std::unexpected(std::move(inner.error()));
    }
    node.properties.emplace(member.key, std::move(*inner));
  }
  return {};
}

// Keywords that say something to people and nothing about values.
Compiled accept(Compiler&, SchemaNode&, const Json&, const Place&) { return {}; }

Compiled accept_text(Compiler&, SchemaNode&, const Json& value, const Place& place) {
  return value.if_string() != nullptr ? Compiled() : refused(place, "must be a string");
}

Compiled accept_bool(Compiler&, SchemaNode&, const Json& value, const Place& place) {
  return value.if_bool() != nullptr ? Compiled() : refused(place, "must be true or false");
}

Compiled accept_list(Compiler&, SchemaNode&, const Json& value, const Place& place) {
  return value.if_array() != nullptr ? Compiled() : refused(place, "must be a list");
}

Compiled check_dialect(Compiler&, SchemaNode&, const Json& value, const Place& place) {
  if (place.depth > 1) {
    return refused(place, "stands at the head of a document only");
  }
  const auto* const text = value.if_string();
  return text != nullptr && *text == dialect ? Compiled() : refused(place, fmt::format("must be {}", dialect));
}

struct KeywordRule {
  std::string_view name;
  Keyword compile;
};

constexpr KeywordRule keywords[] = {
    {"$comment", accept_text},
    {"$schema", check_dialect},
    {"additionalProperties", compile_inner<&SchemaNode::additional>},
    {"const", compile_const},
    {"default", accept},
    {"deprecated", accept_bool},
    {"description", accept_text},
    {"enum", compile_enum},
    {"examples", accept_list},
    {"exclusiveMaximum", compile_number<is_below>},
    {"exclusiveMinimum", compile_number<is_above>},
    {"items", compile_inner<&SchemaNode::items>},
    {"maxItems", compile_count<&SchemaNode::item_counts>},
    {"maxLength", compile_count<&SchemaNode::lengths>},
    {"maxProperties", compile_count<&SchemaNode::member_counts>},
    {"maximum", compile_number<is_at_most>},
    {"minItems", compile_count<&SchemaNode::item_counts>},
    {"minLength", compile_count<&SchemaNode::lengths>},
    {"minProperties", compile_count<&SchemaNode::member_counts>},
    {"minimum", compile_number<is_at_least>},
    {"multipleOf", compile_multiple},
    {"pattern", compile_pattern},
    {"properties", compile_properties},
    {"required", compile_required},
    {"title", accept_text},
    {"type", compile_type},
    {"uniqueItems", compile_unique},
};

CompiledNode Compiler::node(const Json& document, const Place& place) {
  auto out = std::make_unique<SchemaNode>();
  if (const auto* const truth = document.if_bool()) {  // of no depth: what closed() adds breaks no bound
    out->is_false = !*truth;
    return out;
  }
  if (place.depth > limits::schema_depth_max) {
    return refused(place, fmt::format("more than {} schemas within each other", limits::schema_depth_max));
  }
  if (++nodes > limits::schema_nodes_max) {
    return refused(place, fmt::format("more than {} schemas in one document", limits::schema_nodes_max));
  }
  const auto* const members = document.if_object();
  if (members == nullptr) {
    return refused(place, "must be a schema: an object, or true or false");
  }
  for (const Member& member : *members) {
    const Place here{place.pointer + pointer_step(member.key), member.key, place.depth};
    const auto* const rule = std::ranges::find(keywords, member.key, &KeywordRule::name);
    if (rule == std::ranges::end(keywords)) {
      return refused(here, fmt::format("no keyword that is taken; {}", schema_advice(member.key)));
    }
    // The rule's own name, which outlives the document.
    const Place place_of_rule{here.pointer, rule->name, here.depth};
    if (auto done = rule->compile(*this, *out, member.value, place_of_rule); !done) {
      return std::unexpected(std::move(done.error()));
    }
  }
  return out;
}

}  // namespace

std::string pointer_step(std::string_view name) {
  const std::string quoted = quoted_name(name);
  std::string out = "/";
  for (const char c : std::string_view(quoted).substr(1)) {
    switch (c) {
      case '~':
        out += "~0";
        break;
      case '/':
        out += "~1";
        break;
      default:
        out += c;
    }
  }
  out.erase(out.rfind('"'), 1);
  return out;
}

std::expected<std::unique_ptr<const SchemaNode>, std::string> compile_schema(const Json& document) {
  if (!has_canonical_form(document)) {
    return std::unexpected("the schema: holds a number that is not finite or a text that is not UTF-8");
  }
  return Compiler().node(document, {});
}

}  // namespace openexec
