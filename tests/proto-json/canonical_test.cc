// SPDX-License-Identifier: Apache-2.0
#include "proto-json/canonical.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/support/aborts.h"
#include "tests/support/catch.h"
#include "tests/support/random_json.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

using std::string_view_literals::operator""sv;

// False for a number that JCS writes as an integer text of more than 64 bits.
bool jcs_is_readable(double value) {
  const double magnitude = std::abs(value);
  return magnitude < 0x1p63 || magnitude >= 1e21;
}

bool jcs_is_readable(const Json& value) {
  if (const auto* const number = value.if_double()) {
    return jcs_is_readable(*number);
  }
  if (const auto* const integer = value.if_int()) {
    return jcs_is_readable(static_cast<double>(*integer));
  }
  if (const auto* const array = value.if_array()) {
    return std::ranges::all_of(*array, [](const Json& item) { return jcs_is_readable(item); });
  }
  if (const auto* const object = value.if_object()) {
    return std::ranges::all_of(*object, [](const Member& entry) { return jcs_is_readable(entry.value); });
  }
  return true;
}

TEST_CASE("both seed forms are what Python writes, for each vector") {
  const Json::Array cases = vector_cases("python-json");
  CHECK(cases.size() == 400);
  for (const Json& row : cases) {
    const Json value = parsed(string_member(row, "input"));
    CHECK(to_compact(value) == string_member(row, "compact"));
    CHECK(to_spaced(value) == string_member(row, "spaced"));
    CHECK(parsed(string_member(row, "compact")) == value);
    CHECK(parsed(string_member(row, "spaced")) == value);
  }
}

TEST_CASE("the seed forms differ in their separators only") {
  const Json value = parsed(R"({"b":[1,2.0,{}],"a":{"x":null,"w":true},"c":[]})");
  CHECK(to_compact(value) == R"({"a":{"w":true,"x":null},"b":[1,2.0,{}],"c":[]})");
  CHECK(to_spaced(value) == R"({"a": {"w": true, "x": null}, "b": [1, 2.0, {}], "c": []})");
}

TEST_CASE("strings are ASCII in the seed form and UTF-8 in JCS") {
  const Json value = "\0\x01\b\t\n\v\f\r\x1F \"/\\~\x7F\u0080\u00E9\u2028\uFFFF\U00010000\U0010FFFF"sv;
  const std::string ascii = R"("\u0000\u0001\b\t\n\u000b\f\r\u001f \"/\\~)";
  CHECK(to_compact(value) == ascii + R"(\u007f\u0080\u00e9\u2028\uffff\ud800\udc00\udbff\udfff")");
  CHECK(to_jcs(value) == ascii + "\x7F\u0080\u00E9\u2028\uFFFF\U00010000\U0010FFFF\"");
}

TEST_CASE("members stand by code point in the seed form and by UTF-16 unit in JCS") {
  const Json value = parsed(
      R"({"\uffff":1,"\ue000":2,"\ud83d\ude00":3,"\ud7ff":4,"a":5,"\udbff\udfff":6,"b\uffff":7,"b\ud800\udc00":8,"b":9,"":10})");
  CHECK(
      to_compact(value) ==
      R"({"":10,"a":5,"b":9,"b\uffff":7,"b\ud800\udc00":8,"\ud7ff":4,"\ue000":2,"\uffff":1,"\ud83d\ude00":3,"\udbff\udfff":6})");
  CHECK(to_jcs(value) ==
        "{\"\":10,\"a\":5,\"b\":9,\"b\U00010000\":8,\"b\uFFFF\":7,\"\uD7FF\":4,\"\U0001F600\":3,\"\U0010FFFF\":6,"
        "\"\uE000\":2,\"\uFFFF\":1}");
}

TEST_CASE("integers are written whole in the seed form, and as doubles past 2^53 in JCS") {
  struct Case {
    std::int64_t value;
    std::string_view jcs;
  };
  const Case cases[] = {
      {0, "0"},
      {-1, "-1"},
      {9007199254740991, "9007199254740991"},
      {9007199254740992, "9007199254740992"},
      {9007199254740993, "9007199254740992"},
      {-9007199254740993, "-9007199254740992"},
      {9007199254740995, "9007199254740996"},
      {1000000000000000001, "1000000000000000000"},
      {std::numeric_limits<std::int64_t>::max(), "9223372036854776000"},
      {std::numeric_limits<std::int64_t>::min(), "-9223372036854776000"},
  };
  for (const Case& row : cases) {
    CHECK(to_compact(row.value) == std::to_string(row.value));
    CHECK(to_jcs(row.value) == row.jcs);
  }
}

TEST_CASE("a float that is whole stays a float in the seed form") {
  CHECK(to_compact(1.0) == "1.0");
  CHECK(to_compact(1) == "1");
  CHECK(to_jcs(1.0) == "1");
  CHECK(to_spaced(Json::Array{-0.0, 1e16, 1e-7}) == "[-0.0, 1e+16, 1e-07]");
}

TEST_CASE("a canonical form is its own canonical form") {
  RandomJson random(8);
  for (int i = 0; i < 3000; ++i) {
    const Json value = random.value(6);
    const std::string jcs = to_jcs(value);
    const auto jcs_value = parse_json(jcs);
    CHECK(jcs_value.has_value() == jcs_is_readable(value));
    if (jcs_value) {
      CHECK(to_jcs(*jcs_value) == jcs);
    }
    const std::string compact = to_compact(value);
    CHECK(to_compact(parsed(compact)) == compact);
    const std::string spaced = to_spaced(value);
    CHECK(to_spaced(parsed(spaced)) == spaced);
    CHECK(to_compact(parsed(spaced)) == compact);
  }
}

TEST_CASE("appending leaves what was there") {
  std::string out = "x";
  append_compact(out, Json::Array{1, 2});
  append_seed_string(out, "\u00E9");
  CHECK(out == "x[1,2]\"\\u00e9\"");
}

TEST_CASE("what is no JSON has no canonical form") {
  const std::string bad[] = {"\xFF", "a\xC3", "\xED\xA0\x80"};
  for (const std::string& text : bad) {
    CHECK(aborts([&] { static_cast<void>(to_compact(text)); }));
    CHECK(aborts([&] { static_cast<void>(to_jcs(text)); }));
    CHECK(aborts([&] { static_cast<void>(to_spaced(Json::object({{text, 1}}))); }));
  }
  CHECK(aborts([] { static_cast<void>(to_compact(std::numeric_limits<double>::infinity())); }));
}

}  // namespace
}  // namespace openexec
