// SPDX-License-Identifier: Apache-2.0
// Rules about our own text: license lines, leftovers, and lists that must agree with each other.
#include <functional>
#include <map>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/error.h"
#include "tests/lint/sources.h"
#include "tests/support/catch.h"

namespace openexec::lint {
namespace {

bool has_license_line(std::string_view text) {
  static const std::regex head(R"(^(?:#!.*\n)?(?://|#) SPDX-License-Identifier: Apache-2\.0\n)");
  return std::regex_search(text.begin(), text.end(), head, std::regex_constants::match_continuous);
}

// The words are written in two halves so that this file does not hold them.
bool has_leftover(std::string_view text) {
  static const std::regex leftover(
      "\\b("
      "TO"
      "DO|FIX"
      "ME|XX"
      "X|HA"
      "CK|NO"
      "LINT\\w*)\\b");
  return std::regex_search(text.begin(), text.end(), leftover);
}

// A row of the table of errors, which stands in two halves of three cells: | code | reason | retryable |
std::string error_row_pattern(const ReasonInfo& reason) {
  return R"(\|\s*`?)" + std::to_string(reason.code) + R"(`?\s*\|\s*`?)" + std::string(reason.name) + R"(`?\s*\|\s*)" +
         (reason.retryable ? "yes" : "no") + R"(\s*\|)";
}

// The names that limits.h defines.
std::vector<std::string> limit_names() {
  static const std::regex definition(R"(inline constexpr [\w:]+ (\w+) =)");
  const std::string text = read_source("proto-json/limits.h");
  std::vector<std::string> out;
  for (std::sregex_iterator match(text.begin(), text.end(), definition), end; match != end; ++match) {
    out.push_back((*match)[1]);
  }
  return out;
}

// How often each word stands in some code.
std::map<std::string, int, std::less<>> count_words(std::string_view code) {
  std::map<std::string, int, std::less<>> out;
  std::string word;
  for (const char c : code) {
    if (c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')) {
      word += c;
    } else if (!word.empty()) {
      ++out[word];
      word.clear();
    }
  }
  return out;
}

TEST_CASE("every source names its license at its head") {
  CHECK(has_license_line("// SPDX-License-Identifier: Apache-2.0\n"));
  CHECK(has_license_line("#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n"));
  CHECK_FALSE(has_license_line("#pragma once\n// SPDX-License-Identifier: Apache-2.0\n"));
  CHECK_FALSE(has_license_line(""));
  for (const SourceFile& file : all_sources()) {
    INFO(file.path);
    CHECK(has_license_line(file.text));
  }
}

TEST_CASE("no source holds a leftover of work in progress or a muted check") {
  CHECK(has_leftover(std::string("// TO") + "DO: later"));
  CHECK(has_leftover(std::string("x();  // NO") + "LINTNEXTLINE(rule)"));
  CHECK_FALSE(has_leftover("a mastodon"));
  for (const SourceFile& file : all_sources()) {
    INFO(file.path);
    CHECK_FALSE(has_leftover(file.text));
  }
}

TEST_CASE("every header guards itself with #pragma once") {
  for (const SourceFile& file : cpp_sources()) {
    if (file.path.ends_with(".h")) {
      INFO(file.path);
      CHECK(file.text.find("\n#pragma once\n") != std::string::npos);
    }
  }
}

TEST_CASE("every error code has its row in docs/protocol.md, and every row its error") {
  const std::string doc = read_source("docs/protocol.md");
  for (const ReasonInfo& reason : reasons()) {
    INFO(reason.code << " " << reason.name);
    CHECK(std::regex_search(doc, std::regex(error_row_pattern(reason))));
  }
  static const std::regex row(R"(\|\s*`?-?\d{5}`?\s*\|\s*`?(\w+)`?\s*\|\s*(?:yes|no)\s*(?=\|))");
  std::size_t rows = 0;
  for (std::sregex_iterator match(doc.begin(), doc.end(), row), end; match != end; ++match) {
    INFO(match->str());
    CHECK(reason_named((*match)[1].str()).has_value());
    ++rows;
  }
  CHECK(rows >= reasons().size());
}

TEST_CASE("every limit is used by the code that it bounds") {
  std::string code;
  for (const SourceFile& file : cpp_sources()) {
    if (!file.path.starts_with("tests/")) {
      code += code_of(file.text);
    }
  }
  const auto uses = count_words(code);
  const std::vector<std::string> names = limit_names();
  REQUIRE(names.size() > 20);
  for (const std::string& name : names) {
    INFO(name);
    CHECK(uses.at(name) > 1);  // beyond its definition
  }
}

}  // namespace
}  // namespace openexec::lint
