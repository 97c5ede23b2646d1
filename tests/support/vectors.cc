// SPDX-License-Identifier: Apache-2.0
#include "tests/support/vectors.h"

#include <fstream>
#include <iterator>

#include "tests/support/catch.h"

namespace openexec {

std::string read_file(const std::filesystem::path& path) {
  INFO(path.string());
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file.is_open());
  std::string out((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  REQUIRE_FALSE(file.bad());
  return out;
}

Json parsed(std::string_view text) {
  auto value = parse_json(text);
  INFO((value ? std::string() : value.error().message));
  REQUIRE(value.has_value());
  return std::move(*value);
}

Json vectors(std::string_view name) {
  const auto folder = std::filesystem::path(OPENEXEC_SOURCE_DIR) / "tests" / "vectors";
  return parsed(read_file(folder / (std::string(name) + ".json")));
}

Json::Array vector_cases(std::string_view name) {
  const Json file = vectors(name);
  const Json::Array* const cases = member(file, "cases").if_array();
  REQUIRE(cases != nullptr);
  REQUIRE_FALSE(cases->empty());
  return *cases;
}

const Json& member(const Json& object, std::string_view key) {
  INFO("member " << key);
  const Json* const value = object.find(key);
  REQUIRE(value != nullptr);
  return *value;
}

const std::string& string_member(const Json& object, std::string_view key) {
  INFO("member " << key);
  const std::string* const value = object.find_string(key);
  REQUIRE(value != nullptr);
  return *value;
}

bool bool_member(const Json& object, std::string_view key) {
  INFO("member " << key);
  const bool* const value = member(object, key).if_bool();
  REQUIRE(value != nullptr);
  return *value;
}

}  // namespace openexec
