// SPDX-License-Identifier: Apache-2.0
// The JSON Schema Test Suite, from Debian's package json-schema-test-suite: every file of its newest draft up to
// 2020-12. A group of tests either runs, each of its tests with the suite's verdict, or its schema is refused for a
// reason that is listed here.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/core/schema.h"
#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view items_as_list = "items as a list";

// What is left out on purpose (docs/actions.md has the same list): a group whose schema uses it is refused.
const std::map<std::string, std::string, std::less<>>& refused_keywords() {
  static const std::string one_place = "a schema is one document that is read from top to bottom";
  static const std::string one_verdict = "a schema is one list of rules: no rule asks for the verdict of another";
  static const std::string names = "members are named, each in `properties`";
  static const std::string items = "all items have one schema";
  static const std::string assertion = "it asserts nothing by the specification";
  static const std::map<std::string, std::string, std::less<>> all = {
      {"$anchor", one_place},
      {"$defs", one_place},
      {"$dynamicAnchor", one_place},
      {"$dynamicRef", one_place},
      {"$id", one_place},
      {"$ref", one_place},
      {"$vocabulary", one_place},
      {"additionalItems", items},
      {"allOf", one_verdict},
      {"anyOf", one_verdict},
      {"contains", items},
      {"contentEncoding", assertion},
      {"contentMediaType", assertion},
      {"contentSchema", assertion},
      {"definitions", one_place},
      {"dependencies", one_verdict},
      {"dependentRequired", one_verdict},
      {"dependentSchemas", one_verdict},
      {"else", one_verdict},
      {"format", assertion},
      {"if", one_verdict},
      {std::string(items_as_list), items},
      {"maxContains", items},
      {"minContains", items},
      {"not", one_verdict},
      {"oneOf", one_verdict},
      {"patternProperties", names},
      {"prefixItems", items},
      {"propertyNames", names},
      {"then", one_verdict},
      {"unevaluatedItems", one_verdict},
      {"unevaluatedProperties", one_verdict},
  };
  return all;
}

// Files that our JSON does not read.
const std::map<std::string, std::string, std::less<>>& refused_files() {
  static const std::map<std::string, std::string, std::less<>> all = {
      {"optional/bignum.json", "integers have 64 bits"},
  };
  return all;
}

// The first keyword of the schema that is left out on purpose; nothing when all of it is taken.
std::optional<std::string> refused_keyword(const Json& schema) {
  const auto* const members = schema.if_object();
  if (members == nullptr) {
    return std::nullopt;
  }
  for (const Member& member : *members) {
    if (refused_keywords().contains(member.key)) {
      return member.key;
    }
    if (member.key == "items" && member.value.if_array() != nullptr) {
      return std::string(items_as_list);
    }
    if (member.key == "items" || member.key == "additionalProperties") {
      if (auto found = refused_keyword(member.value)) {
        return found;
      }
    }
    if (const auto* const properties = member.key == "properties" ? member.value.if_object() : nullptr) {
      for (const Member& property : *properties) {
        if (auto found = refused_keyword(property.value)) {
          return found;
        }
      }
    }
  }
  return std::nullopt;
}

struct Counts {
  int files = 0;
  int groups = 0;
  int tests = 0;
  int refused_groups = 0;
};

const Json& member_of(const Json& value, std::string_view name) {
  const Json* const member = value.find(name);
  REQUIRE(member != nullptr);
  return *member;
}

void run_group(const Json& group, Counts& counts) {
  const std::string& description = *group.find_string("description");
  INFO(description);
  const Json& document = member_of(group, "schema");
  const auto schema = Schema::compile(document);
  if (const auto keyword = refused_keyword(document)) {
    INFO(*keyword);
    CHECK_FALSE(schema.has_value());
    ++counts.refused_groups;
    return;
  }
  INFO((schema ? std::string() : schema.error()));
  REQUIRE(schema.has_value());
  ++counts.groups;
  for (const Json& test : *member_of(group, "tests").if_array()) {
    INFO(*test.find_string("description"));
    const auto objection = schema->objection(member_of(test, "data"));
    INFO(objection.value_or("no objection"));
    CHECK(!objection.has_value() == *member_of(test, "valid").if_bool());
    ++counts.tests;
  }
}

std::optional<fs::path> suite_folder() {
  const fs::path tests = "/usr/share/json-schema-test-suite/tests";
  for (const char* const draft : {"draft2020-12", "draft2019-09", "draft7"}) {
    if (fs::exists(tests / draft)) {
      return tests / draft;
    }
  }
  if (std::getenv("CI") != nullptr) {
    FAIL("no tests in " << tests.string() << ": the package json-schema-test-suite is not there");
  }
  WARN("skipped: no tests in " << tests.string() << " (package json-schema-test-suite)");
  return std::nullopt;
}

TEST_CASE("the JSON Schema Test Suite gives its own verdicts, and what is left out is refused") {
  const auto folder = suite_folder();
  if (!folder) {
    return;
  }
  Counts counts;
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(*folder)) {
    if (entry.path().extension() == ".json") {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  for (const fs::path& file : files) {
    const std::string name = file.lexically_relative(*folder).string();
    INFO(name);
    const auto groups = parse_json(read_file(file));
    if (refused_files().contains(name)) {
      CHECK_FALSE(groups.has_value());
      continue;
    }
    REQUIRE(groups.has_value());
    ++counts.files;
    for (const Json& group : *groups->if_array()) {
      run_group(group, counts);
    }
  }
  INFO(folder->string() << ": " << counts.files << " files, " << counts.groups << " groups with " << counts.tests
                        << " tests run, " << counts.refused_groups << " groups refused as they should");
  CHECK(counts.groups >= 40);
  CHECK(counts.tests >= 200);
  CHECK(counts.refused_groups >= 60);
}

TEST_CASE("docs/actions.md names every keyword that is left out") {
  const std::string text = read_file(fs::path(OPENEXEC_SOURCE_DIR) / "docs/actions.md");
  for (const auto& [keyword, reason] : refused_keywords()) {
    const std::string shown = keyword == items_as_list ? "`items` as a list" : "`" + keyword + "`";
    INFO(shown);
    CHECK(text.find(shown) != std::string::npos);
    INFO(reason);
    CHECK(text.find("| " + reason + " |\n") != std::string::npos);
  }
  for (const auto& [file, reason] : refused_files()) {
    CHECK(text.find("`" + file + "`") != std::string::npos);
  }
}

}  // namespace
}  // namespace openexec
