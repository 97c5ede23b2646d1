// SPDX-License-Identifier: Apache-2.0
#include "proto-json/utf8.h"

#include <string>

#include "tests/support/catch.h"

namespace openexec {
namespace {

std::string encoded(char32_t code_point) {
  const auto byte = [](char32_t bits) { return static_cast<char>(static_cast<unsigned char>(bits)); };
  if (code_point < 0x80) {
    return {byte(code_point)};
  }
  if (code_point < 0x800) {
    return {byte(0xC0 | (code_point >> 6)), byte(0x80 | (code_point & 0x3F))};
  }
  if (code_point < 0x10000) {
    return {byte(0xE0 | (code_point >> 12)), byte(0x80 | ((code_point >> 6) & 0x3F)), byte(0x80 | (code_point & 0x3F))};
  }
  return {byte(0xF0 | (code_point >> 18)), byte(0x80 | ((code_point >> 12) & 0x3F)),
          byte(0x80 | ((code_point >> 6) & 0x3F)), byte(0x80 | (code_point & 0x3F))};
}

TEST_CASE("every character is read back from its UTF-8, whatever follows, and no surrogate is") {
  std::size_t wrong = 0;
  for (char32_t code_point = 0; code_point <= 0x10FFFF; ++code_point) {
    const std::string text = encoded(code_point);
    const auto character = first_utf8_character(text + "\x80");
    if (code_point >= 0xD800 && code_point <= 0xDFFF) {
      wrong += character.has_value() ? 1U : 0U;
    } else {
      wrong += !character || character->code_point != code_point || character->bytes != text.size() ? 1U : 0U;
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("a cut character is none") {
  for (const char32_t code_point : {U'\u00E9', U'\u20AC', U'\U0001F600'}) {
    const std::string text = encoded(code_point);
    for (std::size_t bytes = 0; bytes < text.size(); ++bytes) {
      CHECK_FALSE(first_utf8_character(text.substr(0, bytes)).has_value());
    }
  }
}

TEST_CASE("what only looks like UTF-8 is refused") {
  const std::string_view bad[] = {
      "\x80",  // a continuation byte alone
      "\xBF",
      "\xC0\x80",  // overlong
      "\xC1\xBF",
      "\xE0\x80\x80",
      "\xE0\x9F\xBF",
      "\xF0\x80\x80\x80",
      "\xF0\x8F\xBF\xBF",
      "\xED\xA0\x80",  // surrogates
      "\xED\xBF\xBF",
      "\xF4\x90\x80\x80",  // past U+10FFFF
      "\xF5\x80\x80\x80",
      "\xF8\x88\x80\x80\x80",
      "\xFE",
      "\xFF",
      "\xC3\x28",  // no continuation byte where one must be
      "\xE2\x28\xA1",
      "\xE2\x82\x28",
      "\xF0\x9F\x98\x28",
      "\xC3\xC3",
  };
  for (const std::string_view text : bad) {
    CAPTURE(text);
    CHECK_FALSE(first_utf8_character(text).has_value());
  }
}

}  // namespace
}  // namespace openexec
