// SPDX-License-Identifier: Apache-2.0
#include "daemon/actions/action_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "proto-json/names.h"

namespace openexec {
namespace {

using Status = std::expected<void, std::string>;

constexpr std::string_view object_type = "object";

bool is_scalar(const Json& value) {
  return value.if_string() != nullptr || value.if_bool() != nullptr || value.if_int() != nullptr ||
         value.if_double() != nullptr;
}

// Whether whatever fits it is a text, a number, true or false.
bool describes_scalar(const Json& property) {
  constexpr std::string_view scalar_types[] = {"boolean", "integer", "number", "string"};
  if (const std::string* const type = property.find_string("type"); type != nullptr) {
    return std::ranges::find(scalar_types, *type) != std::end(scalar_types);
  }
  if (const Json* const constant = property.find("const"); constant != nullptr) {
    return is_scalar(*constant);
  }
  const Json* const listed = property.find("enum");
  const Json::Array* const values = listed != nullptr ? listed->if_array() : nullptr;
  return values != nullptr && std::ranges::all_of(*values, is_scalar);
}

Status check_placeholders(const ActionFile& file) {
  for (const Argument& argument : file.command.argv) {
    if (!argument.is_placeholder) {
      continue;
    }
    const Json* const properties = file.schema.find("properties");
    const Json* const property = properties != nullptr ? properties->find(argument.text) : nullptr;
    if (property == nullptr) {
      return std::unexpected(fmt::format("{}: {{{}}} needs [schema.properties.{}], which says what it may be",
                                         file.at("argv"), argument.text, argument.text));
    }
    if (!describes_scalar(*property)) {
      return std::unexpected(
          fmt::format("{}: {{{}}} becomes one argument, so [schema.properties.{}] must have the one type string, "
                      "integer, number or boolean, or list such values",
                      file.at("argv"), argument.text, argument.text));
    }
  }
  return {};
}

// The object with that member in place of whatever it had of that name.
Json with(const Json& object, std::string_view name, Json value) {
  std::vector<Member> members;
  for (const Member& member : *object.if_object()) {
    if (member.key != name) {
      members.push_back(member);
    }
  }
  members.push_back({std::string(name), std::move(value)});
  return Json::object(std::move(members));
}

// The document is good, so its `required` is a list of texts when it is there.
Json with_placeholders_required(const Json& document, const std::vector<Argument>& argv) {
  const Json* const found = document.find("required");
  Json::Array required = found != nullptr && found->if_array() != nullptr ? *found->if_array() : Json::Array();
  for (const Argument& argument : argv) {
    if (argument.is_placeholder && std::ranges::find(required, Json(argument.text)) == required.end()) {
      required.emplace_back(argument.text);
    }
  }
  return required.empty() ? document : with(document, "required", std::move(required));
}

// The compiler's "POINTER: what" with the place in the file.
std::unexpected<std::string> refused(const ActionFile& file, std::string_view problem) {
  const std::size_t colon = problem.starts_with('/') ? problem.find(": ") : std::string_view::npos;
  return std::unexpected(
      colon != std::string_view::npos
          ? fmt::format("{}: {}", file.at_schema(problem.substr(0, colon)), problem.substr(colon + 2))
          : fmt::format("{}: {}", file.at_schema(""), problem));
}

}  // namespace

std::expected<Schema, std::string> action_schema(const ActionFile& file) {
  if (auto status = check_placeholders(file); !status.has_value()) {
    return std::unexpected(status.error());
  }
  Json document = file.schema.is_null() ? Json::object({}) : file.schema;
  if (const Json* const type = document.find("type"); type == nullptr) {
    document = with(document, "type", object_type);
  } else if (*type != Json(object_type)) {
    return std::unexpected(
        fmt::format("{}: it must be \"object\": that is what a payload is", file.at_schema("/type")));
  }
  // As it stands there first, so that what is wrong is where the file has it.
  if (const auto written = Schema::compile(document); !written.has_value()) {
    return refused(file, written.error());
  }
  auto schema = Schema::compile(Schema::closed(with_placeholders_required(document, file.command.argv)));
  return schema.has_value() ? std::move(schema) : refused(file, schema.error());
}

}  // namespace openexec
