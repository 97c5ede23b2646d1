// SPDX-License-Identifier: Apache-2.0
#include "daemon/actions/toml_json.h"

#include <fmt/format.h>

#include <cmath>

#include "daemon/core/schema_node.h"
#include "proto-json/limits.h"

namespace openexec {
namespace {

constexpr std::int64_t exact_integer_max = std::int64_t{1} << 53;  // of a double, which is all that JCS has

// Of a document that an answer can hold: it has a few levels of its own around it.
constexpr std::size_t document_depth_max = limits::json_depth_max - 8;

class Converter {
 public:
  explicit Converter(PointerLines& lines) : lines_(lines) {}

  std::expected<Json, TomlProblem> convert(const toml::node& node, const std::string& pointer, std::size_t depth) {
    lines_.emplace(pointer, node.source().begin.line);
    if (depth > document_depth_max) {
      return wrong(pointer, fmt::format("it is nested deeper than {}", document_depth_max));
    }
    if (const auto* const table = node.as_table()) {
      return object(*table, pointer, depth);
    }
    if (const auto* const array = node.as_array()) {
      return list(*array, pointer, depth);
    }
    return scalar(node, pointer);
  }

 private:
  static std::unexpected<TomlProblem> wrong(const std::string& pointer, std::string what) {
    return std::unexpected(TomlProblem{pointer, std::move(what)});
  }

  std::expected<Json, TomlProblem> object(const toml::table& table, const std::string& pointer, std::size_t depth) {
    std::vector<Member> members;
    for (const auto& [key, node] : table) {
      const std::string inner = pointer + pointer_step(key.str());
      lines_.emplace(inner, key.source().begin.line);  // a table has its line where it is first opened
      auto value = convert(node, inner, depth + 1);
      if (!value.has_value()) {
        return value;
      }
      members.push_back({std::string(key.str()), *std::move(value)});
    }
    return Json::object(std::move(members));
  }

  std::expected<Json, TomlProblem> list(const toml::array& array, const std::string& pointer, std::size_t depth) {
    Json::Array items;
    for (const toml::node& node : array) {
      auto value = convert(node, pointer + "/" + std::to_string(items.size()), depth + 1);
      if (!value.has_value()) {
        return value;
      }
      items.push_back(*std::move(value));
    }
    return Json(std::move(items));
  }

  static std::expected<Json, TomlProblem> scalar(const toml::node& node, const std::string& pointer) {
    if (const auto text = node.value_exact<std::string>(); text.has_value()) {
      return Json(*text);
    }
    if (const auto truth = node.value_exact<bool>(); truth.has_value()) {
      return Json(*truth);
    }
    if (const auto integer = node.value_exact<std::int64_t>(); integer.has_value()) {
      if (*integer > exact_integer_max || *integer < -exact_integer_max) {
        return wrong(pointer, "an integer of a schema is between -2^53 and 2^53");
      }
      return Json(*integer);
    }
    if (const auto number = node.value_exact<double>(); number.has_value()) {
      return std::isfinite(*number) ? std::expected<Json, TomlProblem>(Json(*number))
                                    : wrong(pointer, "JSON has no number that is not finite");
    }
    return wrong(pointer, "JSON has no dates and times; write it as a text");
  }

  PointerLines& lines_;
};

}  // namespace

std::expected<Json, TomlProblem> json_of(const toml::node& node, PointerLines& lines) {
  return Converter(lines).convert(node, "", 0);
}

}  // namespace openexec
