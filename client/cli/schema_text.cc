// SPDX-License-Identifier: Apache-2.0
#include "client/cli/schema_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "client/cli/screen.h"

namespace openexec::cli {
namespace {

constexpr std::size_t listed_values_max = 8;

struct Phrase {
  std::string_view keyword;
  fmt::string_view form;  // with the keyword's value
};

// In the order in which they are told.
constexpr Phrase phrases[] = {
    {"const", "always {}"},
    {"pattern", "matches {}"},
    {"minLength", "{} or more characters"},
    {"maxLength", "{} or fewer characters"},
    {"minimum", "at least {}"},
    {"exclusiveMinimum", "above {}"},
    {"maximum", "at most {}"},
    {"exclusiveMaximum", "below {}"},
    {"multipleOf", "a multiple of {}"},
    {"minItems", "{} or more items"},
    {"maxItems", "{} or fewer items"},
    {"uniqueItems", "no item twice: {}"},
    {"minProperties", "{} or more members"},
    {"maxProperties", "{} or fewer members"},
};

// What is told otherwise, or tells a person nothing about what to send.
constexpr std::string_view told_elsewhere[] = {"$comment", "$id",         "$schema",  "additionalProperties",
                                               "default",  "description", "enum",     "examples",
                                               "items",    "properties",  "required", "title",
                                               "type"};

// A pattern as it is, other values in JSON.
std::string value_text(const Json& value) {
  return value.if_string() != nullptr ? printable(*value.if_string()) : compact_text(value);
}

std::string list_text(const Json::Array& values, std::string_view between) {
  std::string out;
  for (std::size_t i = 0; i < std::min(values.size(), listed_values_max); ++i) {
    out += (i == 0 ? std::string_view() : between);
    out += compact_text(values[i]);
  }
  return values.size() <= listed_values_max ? out
                                            : fmt::format("{} and {} more", out, values.size() - listed_values_max);
}

std::string type_text(const Json& type) {
  if (const auto* const name = type.if_string()) {
    return printable(*name);
  }
  std::string out;
  for (const Json& one : type.if_array() != nullptr ? *type.if_array() : Json::Array()) {
    out += (out.empty() ? "" : " or ") + value_text(one);
  }
  return out;
}

void add(std::string& out, const std::string& part) {
  if (!part.empty()) {
    out += (out.empty() ? "" : ", ") + part;
  }
}

bool has_members(const Json& schema) {
  return schema.find("properties") != nullptr || schema.find("additionalProperties") != nullptr;
}

// What one value may be, its members aside.
std::string value_rule(const Json& schema) {
  if (const auto* const truth = schema.if_bool()) {
    return *truth ? "anything" : "never";
  }
  std::string out;
  if (const Json* const type = schema.find("type")) {
    add(out, type_text(*type));
  } else if (has_members(schema)) {
    add(out, "anything, or an object as below");
  }
  if (const Json* const listed = schema.find("enum"); listed != nullptr && listed->if_array() != nullptr) {
    add(out, "one of " + list_text(*listed->if_array(), ", "));
  }
  for (const Phrase& phrase : phrases) {
    if (const Json* const value = schema.find(phrase.keyword)) {
      add(out, fmt::format(fmt::runtime(phrase.form), value_text(*value)));
    }
  }
  if (const Json* const items = schema.find("items")) {
    add(out, "each item " + value_rule(*items));
  }
  for (const Member& member : schema.if_object() != nullptr ? *schema.if_object() : Json::Object()) {
    const bool is_told = std::ranges::find(told_elsewhere, member.key) != std::end(told_elsewhere) ||
                         std::ranges::find(phrases, member.key, &Phrase::keyword) != std::end(phrases);
    if (!is_told) {
      add(out, printable(member.key) + ": " + compact_text(member.value));
    }
  }
  return out.empty() ? "anything" : out;
}

bool is_required(const Json& schema, const std::string& name) {
  const Json* const required = schema.find("required");
  const Json::Array* const names = required != nullptr ? required->if_array() : nullptr;
  return names != nullptr && std::ranges::find(*names, Json(name)) != names->end();
}

bool names_object(const Json& type) {
  const Json::Array* const list = type.if_array();
  return type == Json("object") || (list != nullptr && std::ranges::find(*list, Json("object")) != list->end());
}

// Whether it says anything of the members of an object.
bool describes_object(const Json& schema) {
  const Json* const type = schema.find("type");
  return has_members(schema) || (type != nullptr && names_object(*type));
}

void add_members(std::vector<SchemaRow>& out, const Json& schema, const std::string& prefix);

// Of a value of that name.
void add_below(std::vector<SchemaRow>& out, const Json& schema, const std::string& name) {
  add_members(out, schema, name + ".");
  const Json* const further = schema.find("additionalProperties");
  if (describes_object(schema) && (further == nullptr || *further == Json(true))) {
    out.push_back({name + ".*", "any other members"});
  }
  if (const Json* const items = schema.find("items")) {
    add_below(out, *items, name + "[]");
  }
}

// Each member that it names, and what it says of all others.
void add_members(std::vector<SchemaRow>& out, const Json& schema, const std::string& prefix) {
  const Json* const properties = schema.find("properties");
  const Json::Object* const members = properties != nullptr ? properties->if_object() : nullptr;
  for (const Member& member : members != nullptr ? *members : Json::Object()) {
    const std::string name = prefix + printable(member.key);
    out.push_back({name, value_rule(member.value) + (is_required(schema, member.key) ? "" : "; may be left out")});
    add_below(out, member.value, name);
  }
  const Json* const further = schema.find("additionalProperties");
  if (further != nullptr && further->if_object() != nullptr) {
    out.push_back({prefix + "*", "any other member: " + value_rule(*further)});
    add_below(out, *further, prefix + "*");
  }
}

}  // namespace

std::vector<SchemaRow> schema_rows(const Json& schema) {
  if (schema.if_object() == nullptr) {
    return {};
  }
  std::vector<SchemaRow> out;
  add_members(out, schema, "");
  const Json* const further = schema.find("additionalProperties");
  if (further == nullptr || *further == Json(true)) {
    out.push_back({"", out.empty() ? "any members" : "and any other members"});
  } else if (*further == Json(false) && out.empty()) {
    out.push_back({"", "no members: {}"});
  }
  return out;
}

}  // namespace openexec::cli
