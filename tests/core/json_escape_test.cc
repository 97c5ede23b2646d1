// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/json_escape.h"

#include <string>

#include "tests/support/catch.h"

namespace openexec {
namespace {

std::string unescaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Unescaped head = first_unescaped(text);
    out.append(head.bytes.data(), head.count);
    text.remove_prefix(head.taken);
  }
  return out;
}

TEST_CASE("the escapes of JSON stand for their characters") {
  CHECK(unescaped(R"(\"\\\/\b\f\n\r\t)") == "\"\\/\b\f\n\r\t");
  CHECK(unescaped(R"(\u0041\u00e9\u00E9\u20ac\uD83D\uDE00\uffff)") == "A\u00e9\u00e9\u20ac\U0001F600\uffff");
  CHECK(unescaped(R"(\u0000)") == std::string(1, '\0'));
  CHECK(unescaped("\\udbff\\udfff") == "\U0010FFFF");
  CHECK(unescaped("plain \u20ac \xFF") == "plain \u20ac \xFF");
}

TEST_CASE("what is no escape stands for itself") {
  for (const char* const text : {"\\", "a\\", "\\x41", "\\u", "\\u004", "\\u00g1", "\\a\\'"}) {
    CHECK(unescaped(text) == text);
  }
  CHECK(unescaped(R"(\\n)") == "\\n");
}

TEST_CASE("half of a surrogate pair is the byte that Python writes so, or a character by itself") {
  CHECK(unescaped("\\udc80\\udcff") == "\x80\xFF");
  CHECK(unescaped("\\ud83dx\\u0041") == "\xED\xA0\xBDxA");
}

}  // namespace
}  // namespace openexec
