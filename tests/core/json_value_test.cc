// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/json_value.h"

#include <cmath>
#include <cstdint>
#include <limits>

#include "proto-json/canonical.h"
#include "tests/support/catch.h"
#include "tests/support/random_json.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

constexpr std::int64_t two_to_53 = std::int64_t{1} << 53;

TEST_CASE("numbers compare by their exact value, where a double would round the integer") {
  // Each is below the next.
  const std::vector<Json> rising = {-1e300,
                                    -9223372036854777856.0,
                                    INT64_MIN,
                                    INT64_MIN + 1,
                                    -two_to_53 - 1,
                                    static_cast<double>(-two_to_53),
                                    -1.5,
                                    -1,
                                    -0.5,
                                    -5e-324,
                                    0,
                                    5e-324,
                                    0.5,
                                    1,
                                    1.5,
                                    2,
                                    static_cast<double>(two_to_53),
                                    two_to_53 + 1,
                                    INT64_MAX - 1,
                                    INT64_MAX,
                                    9223372036854775808.0,
                                    1e300};
  for (std::size_t a = 0; a < rising.size(); ++a) {
    for (std::size_t b = 0; b < rising.size(); ++b) {
      CAPTURE(to_compact(rising[a]), to_compact(rising[b]));
      CHECK(compare_numbers(rising[a], rising[b]) == std::partial_ordering(a <=> b));
      CHECK((value_key(rising[a]) == value_key(rising[b])) == (a == b));
    }
  }
}

TEST_CASE("a number is the same however it was written") {
  CHECK(std::is_eq(compare_numbers(1, 1.0)));
  CHECK(value_key(1) == value_key(1.0));
  CHECK(value_key(0) == value_key(-0.0));
  CHECK(value_key(two_to_53) == value_key(static_cast<double>(two_to_53)));
  CHECK(value_key(INT64_MIN) == value_key(-9223372036854775808.0));
  CHECK(value_key(INT64_MAX) != value_key(9223372036854775808.0));
  CHECK(value_key(parsed(R"({"a":[1,{"b":2.0}]})")) == value_key(parsed(R"({"a":[1.0,{"b":2}]})")));
}

TEST_CASE("values of two kinds are never equal") {
  const std::vector<Json> all = {nullptr,
                                 false,
                                 true,
                                 0,
                                 1,
                                 "",
                                 "0",
                                 "false",
                                 "s0:",
                                 Json::Array(),
                                 Json::object({}),
                                 parsed("[[]]"),
                                 parsed("[0]"),
                                 parsed("[[],[]]"),
                                 parsed("[\"\",\"\"]"),
                                 parsed(R"({"":0})"),
                                 parsed(R"({"a":"b"})"),
                                 parsed(R"(["a","b"])"),
                                 parsed(R"({"a":{"b":0}})"),
                                 parsed(R"({"a":0,"b":0})")};
  for (const Json& a : all) {
    for (const Json& b : all) {
      CAPTURE(to_compact(a), to_compact(b));
      CHECK((value_key(a) == value_key(b)) == (a == b));
    }
  }
}

TEST_CASE("equal values have equal keys, and others others") {
  RandomJson random(20);
  for (int round = 0; round < 2000; ++round) {
    const Json a = random.value(3);
    const Json b = random.value(3);
    CAPTURE(to_compact(a), to_compact(b));
    CHECK(value_key(a) == value_key(parsed(to_compact(a))));
    CHECK((a != b || value_key(a) == value_key(b)));
    CHECK((a == b || value_key(a) != value_key(b) || to_compact(a) != to_compact(b)));
  }
}

TEST_CASE("a double without a fraction is an integer") {
  for (const Json& integer : std::vector<Json>{0, -1, INT64_MAX, 1.0, -0.0, 1e300}) {
    CHECK(is_integer(integer));
  }
  for (const Json& other : std::vector<Json>{0.5, 1e-300, std::numeric_limits<double>::infinity(),
                                             std::numeric_limits<double>::quiet_NaN(), "1", nullptr, true}) {
    CHECK_FALSE(is_integer(other));
  }
}

TEST_CASE("a multiple is one of the decimals that were written, not of their binary neighbours") {
  const auto is_multiple = [](const char* value, const char* divisor) {
    return is_multiple_of(parsed(value), parsed(divisor));
  };
  CHECK(is_multiple("0.07", "0.01"));
  CHECK(std::fmod(0.07, 0.01) != 0);  // which is why
  CHECK(is_multiple("19.99", "0.01"));
  CHECK(is_multiple("4.35", "0.05"));
  CHECK(is_multiple("-0.3", "0.1"));
  CHECK(is_multiple("1e308", "0.5"));
  CHECK(is_multiple("1e308", "3e-300") == false);
  CHECK(is_multiple("3e307", "7") == false);
  CHECK(is_multiple("7e307", "7"));
  CHECK(is_multiple("0", "7"));
  CHECK(is_multiple("-0.0", "0.1"));
  CHECK(is_multiple("9007199254740993", "3"));  // 2^53 + 1: no double
  CHECK_FALSE(is_multiple("9007199254740992", "3"));
  CHECK(is_multiple("-9223372036854775808", "2"));
  CHECK(is_multiple("9223372036854775807", "9223372036854775807"));
  CHECK_FALSE(is_multiple("9223372036854775806", "9223372036854775807"));
  CHECK(is_multiple("9223372036854775807", "0.5"));
  CHECK(is_multiple("100", "1e2"));
  CHECK_FALSE(is_multiple("150", "1e2"));
  CHECK_FALSE(is_multiple("0.001", "0.01"));
  CHECK_FALSE(is_multiple("0.015", "0.01"));
  CHECK_FALSE(is_multiple("5e-324", "1e-323"));
  CHECK_FALSE(is_multiple("1", "1e308"));
  CHECK_FALSE(is_multiple_of(std::numeric_limits<double>::infinity(), 1));
}

TEST_CASE("a product of two integers is a multiple of both") {
  RandomJson random(21);
  for (int round = 0; round < 5000; ++round) {
    const std::int64_t factor = static_cast<std::int64_t>(random.below(std::uint64_t{1} << 31)) - (1L << 30);
    const std::int64_t divisor = static_cast<std::int64_t>(random.below(std::uint64_t{1} << 31)) + 2;
    const std::int64_t product = factor * divisor;
    CAPTURE(factor, divisor);
    CHECK(is_multiple_of(product, divisor));
    CHECK_FALSE(is_multiple_of(product + 1, divisor));
  }
}

}  // namespace
}  // namespace openexec
