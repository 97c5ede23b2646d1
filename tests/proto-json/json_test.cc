// SPDX-License-Identifier: Apache-2.0
#include "proto-json/json.h"

#include <malloc.h>

#include <cmath>
#include <limits>

#include "proto-json/canonical.h"
#include "proto-json/limits.h"
#include "tests/support/aborts.h"
#include "tests/support/catch.h"
#include "tests/support/random_json.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

std::string nested(std::size_t levels, std::string_view open, std::string_view innermost, std::string_view close) {
  std::string out;
  for (std::size_t i = 0; i < levels; ++i) {
    out += open;
  }
  out += innermost;
  for (std::size_t i = 0; i < levels; ++i) {
    out += close;
  }
  return out;
}

void check_refused(std::string_view text) {
  CAPTURE(text);
  const auto value = parse_json(text);
  REQUIRE_FALSE(value.has_value());
  CHECK(value.error().kind == JsonError::Kind::syntax);
  CHECK_FALSE(value.error().message.empty());
  CHECK_FALSE(value.error().with_first_members.has_value());
  CHECK_FALSE(value.error().top_level_id_is_duplicate);
}

std::string refusal(std::string_view text) {
  const auto value = parse_json(text);
  return value ? "accepted" : value.error().message;
}

TEST_CASE("each kind of value is read") {
  CHECK(parsed("null").is_null());
  CHECK(*parsed("true").if_bool());
  CHECK_FALSE(*parsed("false").if_bool());
  CHECK(*parsed(" -12\t").if_int() == -12);
  CHECK(*parsed("1.5\r\n").if_double() == 1.5);
  CHECK(*parsed(R"("a\u00e9\ud83d\ude00\n\u0000")").if_string() == std::string("a\u00E9\U0001F600\n\0", 9));
  CHECK(parsed("[]").if_array()->empty());
  CHECK(parsed("{}").if_object()->empty());
  CHECK(parsed(R"([1,"a",[null],{"k":false}])") ==
        Json(Json::Array{1, "a", Json(Json::Array{nullptr}), Json::object({{"k", false}})}));
}

TEST_CASE("integers and floats stay apart") {
  for (const std::string_view text : {"1.0", "1e2", "1E+2", "0.0", "-0.0", "0e0", "1e-7", "9007199254740993.0"}) {
    CAPTURE(text);
    CHECK(parsed(text).if_double() != nullptr);
  }
  for (const std::string_view text : {"1", "0", "-1", "9007199254740993"}) {
    CAPTURE(text);
    CHECK(parsed(text).if_int() != nullptr);
  }
  CHECK_FALSE(parsed("1") == parsed("1.0"));
}

TEST_CASE("minus zero is the integer zero without a point, and a float with one") {
  const Json integer = parsed("-0");
  REQUIRE(integer.if_int() != nullptr);
  CHECK(*integer.if_int() == 0);
  CHECK(*parsed("[-0]").if_array() == Json::Array{0});
  const Json number = parsed("-0.0");
  REQUIRE(number.if_double() != nullptr);
  CHECK(std::signbit(*number.if_double()));
  const Json scientific = parsed("-0e1");
  REQUIRE(scientific.if_double() != nullptr);
  CHECK(std::signbit(*scientific.if_double()));
}

TEST_CASE("integers end where 64 bits do") {
  CHECK(*parsed("9223372036854775807").if_int() == std::numeric_limits<std::int64_t>::max());
  CHECK(*parsed("-9223372036854775808").if_int() == std::numeric_limits<std::int64_t>::min());
  CHECK(refusal("9223372036854775808") == "integer outside -2^63..2^63-1");
  CHECK(refusal("[18446744073709551615]") == "integer outside -2^63..2^63-1");
  for (const std::string_view text :
       {"-9223372036854775809", "18446744073709551616", "-18446744073709551616", "99999999999999999999999999999",
        "[-9223372036854775809]", R"({"a":18446744073709551616})"}) {
    check_refused(text);
  }
}

TEST_CASE("floats end where doubles do") {
  CHECK(*parsed("1.7976931348623157e308").if_double() == std::numeric_limits<double>::max());
  CHECK(*parsed("5e-324").if_double() == std::numeric_limits<double>::denorm_min());
  CHECK(*parsed("1e-999").if_double() == 0.0);
  for (const std::string_view text :
       {"1e999", "-1e999", "1.7976931348623159e308", "[1e309]", "NaN", "Infinity", "-Infinity", "nan", "inf"}) {
    check_refused(text);
  }
}

TEST_CASE("floats are read to the nearest double") {
  RandomJson random(5);
  for (int i = 0; i < 20000; ++i) {
    const double number = random.number();
    char text[64] = {};
    REQUIRE(std::snprintf(text, sizeof text, "%.17e", number) > 0);
    const Json value = parsed(text);
    REQUIRE(value.if_double() != nullptr);
    CHECK(*value.if_double() == number);
  }
  CHECK(*parsed("9007199254740993.0").if_double() == 9007199254740992.0);
  CHECK(*parsed("0.500000000000000166533453693773481063544750213623046875").if_double() == 0.5000000000000002);
  CHECK(*parsed("2.2250738585072011e-308").if_double() == 2.2250738585072011e-308);
}

TEST_CASE("nesting of 64 is read and of 65 refused, however it is nested") {
  REQUIRE(limits::json_depth_max == 64);
  struct Shape {
    std::string_view open;
    std::string_view innermost;
    std::string_view close;
  };
  // Parsers count an innermost container that is empty in different ways.
  const Shape shapes[] = {
      {"[", "", "]"},   {"[", "1", "]"},  {R"({"a":)", "1", "}"}, {R"([1,)", "2", "]"}, {R"({"a":1,"b":)", "{}", "}"},
      {"[", "[]", "]"}, {"[", "{}", "]"}, {R"({"a":)", "[]", "}"}};
  for (const Shape& shape : shapes) {
    CAPTURE(shape.open, shape.innermost);
    const std::size_t inside = shape.innermost == "[]" || shape.innermost == "{}" ? 1 : 0;
    const Json deepest = parsed(nested(64 - inside, shape.open, shape.innermost, shape.close));
    CHECK(parsed(to_compact(deepest)) == deepest);
    for (const std::size_t levels : {65, 66, 67, 68, 128, 1024, 100000}) {
      CHECK(refusal(nested(levels - inside, shape.open, shape.innermost, shape.close)) == "nesting over 64");
    }
  }
}

TEST_CASE("a byte order mark is refused") {
  CHECK(refusal("\xEF\xBB\xBF{}") == "a byte order mark");
  check_refused("\xEF\xBB\xBF");
  check_refused(" \xEF\xBB\xBF{}");
  check_refused("{}\xEF\xBB\xBF");
  CHECK(*parsed("\"\xEF\xBB\xBF\"").if_string() == "\uFEFF");  // inside a string it is a character like others
}

TEST_CASE("what is not UTF-8 is refused") {
  for (const std::string_view text : {"\"\x80\"", "\"\xC0\x80\"", "\"\xED\xA0\x80\"", "\"\xF4\x90\x80\x80\"",
                                      "\"\xE2\x82\"", "\xFF", "{\"\xC3\":1}", "\"a\xC3\"", "[1]\xC3", "{}\xFF"}) {
    check_refused(text);
  }
  CHECK(refusal("\"\xFF\"") == "not UTF-8");
}

TEST_CASE("a lone surrogate is refused in values and in names") {
  for (const std::string_view text : {R"("\ud800")", R"("\udc00")", R"("\ud800\u0041")", R"("\ud800\ud800\udc00")",
                                      R"({"\udfff":1})", R"([[{"a":"\udbffx"}]])"}) {
    CHECK(refusal(text) == "a lone surrogate");
    check_refused(text);
  }
}

TEST_CASE("exactly one value is read, with white space around it at most") {
  CHECK(parsed(" \t\r\n{ \t\r\n} \t\r\n").if_object() != nullptr);
  for (const std::string_view text : {"",         " ",        "\n",         "{} {}",       "{}{}",
                                      "{},",      "1 2",      "[1]]",       "{}x",         "{}//",
                                      "nul",      "nulll",    "truee",      "tru",         "\"a\" \"b\"",
                                      "{}\f",     "\v{}",     "\u00A0{}",   "{}\u2028",    "[1,]",
                                      "[,1]",     "[1 2]",    "{\"a\":1,}", "{,}",         "{\"a\"}",
                                      "{\"a\":}", "{a:1}",    "{'a':1}",    "{1:1}",       "[1",
                                      "{\"a\":1", "\"a",      "01",         "-01",         "+1",
                                      ".5",       "1.",       "1.e1",       "1e",          "1e+",
                                      "-",        "--1",      "0x1",        "1_000",       "\"\t\"",
                                      "\"\n\"",   "\"\x01\"", "\"\\x41\"",  "\"\\u00g0\"", "\"\\u12\"",
                                      "\"\\\"",   "\"\\a\"",  "/**/1",      "[1]#"}) {
    check_refused(text);
  }
  for (const std::string_view text : {"{}", "1", "\"a\"", "[1]"}) {
    check_refused(std::string(text) + '\0');
    check_refused('\0' + std::string(text));
  }
  check_refused(std::string_view("\"\0\"", 3));
}

TEST_CASE("what was parsed before does not leak into what is parsed next") {
  REQUIRE(parse_json(R"({"a":[1,2,3],"b":"]]]]]]}}}}}}\"\"\"\""})").has_value());
  for (const std::string_view text : {R"({"a":[1,2)", "[", "tru", "1", "\"", "12345"}) {
    const auto value = parse_json(text);
    CHECK(value.has_value() == (text == "1" || text == "12345"));
  }
  CHECK(*parsed("1").if_int() == 1);
}

TEST_CASE("members are sorted by their bytes and found by name") {
  const Json value = parsed(R"({"b":1,"":2,"a":3,"B":4,"é":5,"ab":6,"\ud83d\ude00":7,"\uffff":8,"a\u0000":9})");
  std::vector<std::string> keys;
  for (const Member& entry : *value.if_object()) {
    keys.push_back(entry.key);
    CHECK(value.find(entry.key) == &entry.value);
  }
  CHECK(keys ==
        std::vector<std::string>{"", "B", "a", std::string("a\0", 2), "ab", "b", "\u00E9", "\uFFFF", "\U0001F600"});
  CHECK(value.find("c") == nullptr);
  CHECK(value.find("aa") == nullptr);
  CHECK(Json("text").find("a") == nullptr);
  CHECK(parsed(R"({"s":"x","n":1})").find_string("n") == nullptr);
  CHECK(*parsed(R"({"s":"x","n":1})").find_string("s") == "x");
}

TEST_CASE("a duplicate member is refused at every depth, and the first of each is kept for the answer") {
  const auto error = [](std::string_view text) {
    CAPTURE(text);
    const auto value = parse_json(text);
    REQUIRE_FALSE(value.has_value());
    REQUIRE(value.error().kind == JsonError::Kind::duplicate_member);
    REQUIRE(value.error().with_first_members.has_value());
    return value.error();
  };
  const JsonError top = error(R"({"id":7,"b":1,"a":2,"b":3,"b":4})");
  CHECK(top.message == "duplicate member \"b\"");
  CHECK_FALSE(top.top_level_id_is_duplicate);
  CHECK(*top.with_first_members == parsed(R"({"id":7,"a":2,"b":1})"));

  const JsonError id = error(R"({"id":1,"x":0,"id":2})");
  CHECK(id.top_level_id_is_duplicate);
  CHECK(*id.with_first_members == parsed(R"({"id":1,"x":0})"));

  const JsonError inner = error(R"({"id":7,"params":{"id":1,"id":2}})");
  CHECK_FALSE(inner.top_level_id_is_duplicate);
  CHECK(*inner.with_first_members == parsed(R"({"id":7,"params":{"id":1}})"));

  CHECK(error(R"({"params":{"a":1,"a":2},"id":1,"id":1})").top_level_id_is_duplicate);
  CHECK_FALSE(error(R"([{"id":1,"id":2}])").top_level_id_is_duplicate);
  CHECK(*error(R"([{"a":1,"a":2},{"b":1,"b":2}])").with_first_members == parsed(R"([{"a":1},{"b":1}])"));

  // One name, written in two ways, of equal value or not.
  CHECK(error(R"({"a":1,"\u0061":1})").message == "duplicate member \"a\"");
  CHECK(error(R"({"":1,"":1})").message == "duplicate member \"\"");
}

TEST_CASE("other faults of a document count before its duplicates") {
  check_refused(R"({"a":1,"a":2,"b":18446744073709551615})");
  check_refused(R"({"a":1,"a":2}x)");
}

TEST_CASE("a duplicate's name is quoted in ASCII and cut") {
  const auto message = [](const std::string& name) {
    const Json quoted = name;
    const std::string text = to_compact(quoted);
    return refusal("{" + text + ":1," + text + ":2}");
  };
  CHECK(message("\n\u00E9\x1B") == R"(duplicate member "\n\u00e9\u001b")");
  CHECK(message(std::string(64, 'a')) == "duplicate member \"" + std::string(64, 'a') + "\"");
  CHECK(message(std::string(65, 'a')) == "duplicate member \"" + std::string(64, 'a') + "\"...");
  // Never in the middle of a character.
  CHECK(message(std::string(63, 'a') + "\u00E9") == "duplicate member \"" + std::string(63, 'a') + "\"...");
  CHECK(message(std::string(1000000, 'a')).size() < 128);
}

TEST_CASE("many members in the worst order are sorted, and a duplicate among them found") {
  std::string text = "{";
  for (int i = 99999; i >= 0; --i) {
    text += "\"" + std::to_string(i) + "\":" + std::to_string(i) + ",";
  }
  const Json value = parsed(text + "\"x\":null}");
  CHECK(value.if_object()->size() == 100001);
  CHECK(*value.find("54321")->if_int() == 54321);
  CHECK(refusal(text + "\"54321\":null}") == "duplicate member \"54321\"");
}

TEST_CASE("objects of our own are sorted, and abort on a duplicate") {
  CHECK(Json::object({{"b", 1}, {"a", 2}}) == parsed(R"({"a":2,"b":1})"));
  CHECK(aborts([] { static_cast<void>(Json::object({{"a", 1}, {"b", 2}, {"a", 1}})); }));
}

TEST_CASE("what is written is read back the same") {
  RandomJson random(6);
  for (int i = 0; i < 3000; ++i) {
    const Json value = random.value(6);
    CHECK(parsed(to_compact(value)) == value);
    CHECK(parsed(to_spaced(value)) == value);
  }
}

TEST_CASE("no cut and no changed byte of a document crashes, and what is accepted is stable") {
  const std::string text = R"({"id":1,"a":[1.5,-0,"\ud83d\ude00\n",null,true,{"k":"é"}],"b":{"c":[[],{}]}})";
  REQUIRE(parse_json(text).has_value());
  const auto check = [](const std::string& changed) {
    if (const auto value = parse_json(changed)) {
      CHECK(parsed(to_compact(*value)) == *value);
    }
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    check_refused(text.substr(0, i));
    for (int bit = 0; bit < 8; ++bit) {
      std::string changed = text;
      changed[i] = static_cast<char>(changed[i] ^ (1 << bit));
      check(changed);
    }
  }
}

TEST_CASE("the memory of a large document is given back") {
  const auto in_use = [] {
    const auto info = mallinfo2();
    return info.uordblks + info.hblkhd;
  };
  REQUIRE(parse_json("[1]").has_value());
  const std::size_t before = in_use();
  if (before == 0) {
    WARN("skipped: this allocator does not say what is in use");
    return;
  }
  {
    std::string text = "[";
    text.append(std::size_t{8} << 20, ' ');
    text += "1]";
    REQUIRE(parse_json(text).has_value());
    REQUIRE_FALSE(parse_json(text + "]").has_value());
  }
  CHECK(in_use() < before + limits::json_parser_keep_bytes_max);
}

}  // namespace
}  // namespace openexec
