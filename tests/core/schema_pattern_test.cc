// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/schema_pattern.h"

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

// What is written to standard error meanwhile.
template <typename Work>
std::string standard_error_of(const Work& work) {
  const test::TempDir dir;
  const auto path = dir / "stderr";
  const int kept = ::dup(STDERR_FILENO);
  const int file = ::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  REQUIRE((kept >= 0 && file >= 0));
  ::dup2(file, STDERR_FILENO);
  work();
  ::dup2(kept, STDERR_FILENO);
  ::close(kept);
  ::close(file);
  return read_file(path);
}

TEST_CASE("what cannot be matched in linear time is no pattern") {
  for (const char* const pattern :
       {"(a)\\1", "a(?=b)", "(?!a)", "(?<=a)b", "(", "[a", "a**b{", "\\u0041", "\\cA", "x{1001}", "\xff"}) {
    INFO(pattern);
    const auto compiled = SchemaPattern::compile(pattern);
    REQUIRE_FALSE(compiled.has_value());
    CHECK(compiled.error().starts_with("is no regular expression of RE2's syntax"));
  }
}

TEST_CASE("^ and $ are the ends of the whole text in every pattern that is taken") {
  for (const char* const pattern : {"(?m)^a$", "(?m:^a$)", "(?im)^a$", "(?s-m)a", "(?-m:a)", "x(?U-sm)^a$",
                                    "(a|(?m)^b$)", "\\\\(?m)^a$", "[(?m]"}) {
    INFO(pattern);
    const auto compiled = SchemaPattern::compile(pattern);
    REQUIRE_FALSE(compiled.has_value());
    CHECK(compiled.error() == "may not hold the flag m: ^ and $ are the ends of the whole text");
  }
  for (const char* const pattern : {"^a$", "(?i)^A$", "(?s:^a$)", "(?:^a$)", "(?P<m>^a$)", "^\\(?m|a$", "(?i)^m?a$"}) {
    INFO(pattern);
    const auto compiled = SchemaPattern::compile(pattern);
    REQUIRE(compiled.has_value());
    CHECK(compiled->is_found_in("a"));
    CHECK_FALSE(compiled->is_found_in("x\na\nx"));
  }
}

TEST_CASE("a pattern cannot hold a single byte of a character, or a quotation") {
  for (const char* const pattern : {"^\\C", "[a\\C]", "\\\\\\C", "\\Qa", "\\Q\\E(?m)^a$"}) {
    INFO(pattern);
    const auto compiled = SchemaPattern::compile(pattern);
    REQUIRE_FALSE(compiled.has_value());
    CHECK(compiled.error().starts_with("may not hold \\"));
  }
  CHECK(SchemaPattern::compile("\\\\C\\\\Q").has_value());
}

TEST_CASE("the differences from ECMA-262 are those that the documents name") {
  const auto found = [](const char* pattern, std::string_view text) {
    return SchemaPattern::compile(pattern).value().is_found_in(text);
  };
  for (const char* const text : {"\r", "\u2028", "\u2029"}) {
    CHECK(found("^.$", text));
  }
  CHECK_FALSE(found("^.$", "\n"));
  CHECK(found("(?s)^.$", "\n"));
  CHECK_FALSE(found("\\s", "\u00a0"));
  CHECK_FALSE(found("\\s", "\v"));
  CHECK(found("^[[:alpha:]]\\pL\\x{e9}\\a\\z", "ab\u00e9\a"));
  CHECK(found("\\Aa", "a"));
  CHECK(found("^[]a]$", "]"));
}

TEST_CASE("a pattern that takes too much memory is refused") {
  CHECK_FALSE(SchemaPattern::compile("((\\pL{1,500}){1,2}){1,2}").has_value());
  CHECK(SchemaPattern::compile("^.{1,500}$").has_value());
}

TEST_CASE("nothing is logged, whatever the pattern and the text") {
  CHECK(standard_error_of([] {
          for (const char* const pattern :
               {"(", "x{1001}", "((\\pL{1,500}){1,2}){1,2}", "[^x]*(a|b)[ab]{12}[^x]*y", "(\\pL+\\pN+){1,60}z"}) {
            const auto compiled = SchemaPattern::compile(pattern);
            if (compiled) {
              std::string text;
              for (int i = 0; i < 200'000; ++i) {
                text += "abab1b2a"[(i * 7919 >> 3) & 7];
              }
              CHECK_FALSE(compiled->is_found_in(text));
            }
          }
        }).empty());
}

}  // namespace
}  // namespace openexec
