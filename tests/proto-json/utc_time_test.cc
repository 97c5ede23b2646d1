// SPDX-License-Identifier: Apache-2.0
#include "proto-json/utc_time.h"

#include "tests/support/aborts.h"
#include "tests/support/catch.h"
#include "tests/support/random_json.h"

namespace openexec {
namespace {

constexpr std::int64_t first_us = -62135596800 * us_per_s;     // 0001-01-01T00:00:00
constexpr std::int64_t last_us = 253402300800 * us_per_s - 1;  // 9999-12-31T23:59:59.999999

TEST_CASE("a time is written with six fraction digits and Z; the seed's way has neither when it can") {
  CHECK(to_text({0}) == "1970-01-01T00:00:00.000000Z");
  CHECK(to_text({1795262400 * us_per_s + 7}) == "2026-11-21T12:00:00.000007Z");
  CHECK(to_text({-1}) == "1969-12-31T23:59:59.999999Z");
  CHECK(to_text({first_us}) == "0001-01-01T00:00:00.000000Z");
  CHECK(to_text({last_us}) == "9999-12-31T23:59:59.999999Z");
  CHECK(to_seed_text({1795262400 * us_per_s}) == "2026-11-21T12:00:00");
  CHECK(to_seed_text({1795262400 * us_per_s + 500000}) == "2026-11-21T12:00:00.500000");
}

TEST_CASE("a time outside the years 1 to 9999 has no text") {
  CHECK(aborts([] { static_cast<void>(to_text({first_us - 1})); }));
  CHECK(aborts([] { static_cast<void>(to_text({last_us + 1})); }));
  CHECK(aborts([] { static_cast<void>(to_seed_text({last_us + 1})); }));
}

TEST_CASE("every time reads back from either of its texts") {
  RandomJson random(4);
  for (int i = 0; i < 20000; ++i) {
    const auto span = static_cast<std::uint64_t>(last_us - first_us) + 1;
    const UtcTime time = {first_us + static_cast<std::int64_t>(random.below(span))};
    CHECK(from_text(to_text(time)) == time);
    CHECK(from_text(to_seed_text(time)) == time);
    const UtcTime whole = {time.us - time.us % us_per_s};
    CHECK(from_text(to_seed_text(whole)) == whole);
  }
  CHECK(from_text(to_text({first_us})) == UtcTime{first_us});
  CHECK(from_text(to_text({last_us})) == UtcTime{last_us});
}

TEST_CASE("offsets are applied, and no offset means UTC") {
  const UtcTime noon = {1795262400 * us_per_s};
  for (const std::string_view text :
       {"2026-11-21T12:00:00", "2026-11-21T12:00:00Z", "2026-11-21T12:00:00.0", "2026-11-21T12:00:00.000000+00:00",
        "2026-11-21T12:00:00-00:00", "2026-11-21T13:30:00+01:30", "2026-11-21T07:00:00-05:00",
        "2026-11-22T11:59:00+23:59", "2026-11-20T12:01:00-23:59"}) {
    CAPTURE(text);
    CHECK(from_text(text) == noon);
  }
}

TEST_CASE("fraction digits count from the left") {
  const std::int64_t noon = 1795262400 * us_per_s;
  CHECK(from_text("2026-11-21T12:00:00.5") == UtcTime{noon + 500000});
  CHECK(from_text("2026-11-21T12:00:00.05Z") == UtcTime{noon + 50000});
  CHECK(from_text("2026-11-21T12:00:00.000001+00:00") == UtcTime{noon + 1});
  CHECK(from_text("2026-11-21T12:00:00.123456") == UtcTime{noon + 123456});
}

TEST_CASE("leap days exist in leap years only") {
  CHECK(from_text("2024-02-29T00:00:00").has_value());
  CHECK(from_text("2000-02-29T00:00:00").has_value());
  CHECK_FALSE(from_text("2023-02-29T00:00:00").has_value());
  CHECK_FALSE(from_text("1900-02-29T00:00:00").has_value());
  CHECK_FALSE(from_text("2026-04-31T00:00:00").has_value());
}

TEST_CASE("a time of another shape is refused") {
  for (const std::string_view text : {"",
                                      "2026-11-21",
                                      "2026-11-21T12:00",
                                      "2026-11-21 12:00:00",
                                      "2026-11-21t12:00:00",
                                      "2026-11-21T12:00:00z",
                                      "2026-11-21T12:00:00 ",
                                      " 2026-11-21T12:00:00",
                                      "2026-11-21T12:00:00.",
                                      "2026-11-21T12:00:00.Z",
                                      "2026-11-21T12:00:00.1234567",
                                      "2026-11-21T12:00:00,5",
                                      "2026-11-21T12:00:00+0100",
                                      "2026-11-21T12:00:00+01",
                                      "2026-11-21T12:00:00+01:",
                                      "2026-11-21T12:00:00+01:0",
                                      "2026-11-21T12:00:00+01:000",
                                      "2026-11-21T12:00:00+",
                                      "2026-11-21T12:00:00ZZ",
                                      "2026-11-21T12:00:00Z+00:00",
                                      "2026-11-21T12:00:00+24:00",
                                      "2026-11-21T12:00:00+00:60",
                                      "2026-11-21T12:00:00--1:00",
                                      "2026-11-21T12:00:00+-1:00",
                                      "2026-11-21T24:00:00",
                                      "2026-11-21T12:60:00",
                                      "2026-11-21T23:59:60",
                                      "2026-00-21T12:00:00",
                                      "2026-13-21T12:00:00",
                                      "2026-11-00T12:00:00",
                                      "2026-11-32T12:00:00",
                                      "0000-11-21T12:00:00",
                                      "12026-11-21T12:00:00",
                                      "+026-11-21T12:00:00",
                                      "-026-11-21T12:00:00",
                                      "20a6-11-21T12:00:00",
                                      "2026-1-21T12:00:00",
                                      "2026-11-21T1:00:00",
                                      "20261121T120000",
                                      "1795262400",
                                      "２026-11-21T12:00:00"}) {
    CAPTURE(text);
    CHECK_FALSE(from_text(text).has_value());
  }
  CHECK_FALSE(from_text(std::string_view("2026-11-21T12:00:00\0", 20)).has_value());
}

TEST_CASE("an offset may not lead out of the years 1 to 9999") {
  CHECK(from_text("0001-01-01T00:01:00+00:01") == UtcTime{first_us});
  CHECK_FALSE(from_text("0001-01-01T00:00:00+00:01").has_value());
  CHECK(from_text("9999-12-31T23:58:59.999999-00:01") == UtcTime{last_us});
  CHECK_FALSE(from_text("9999-12-31T23:59:59-00:01").has_value());
}

TEST_CASE("seconds are added as microseconds") {
  CHECK(plus_s({5}, 2) == UtcTime{2000005});
  CHECK(plus_s({5}, -1) == UtcTime{-999995});
}

TEST_CASE("whole seconds since 1970 are a time up to the end of the year 9999, and none after it") {
  CHECK(from_posix_s(0) == UtcTime{0});
  CHECK(to_text(from_posix_s(253'402'300'799).value()) == "9999-12-31T23:59:59.000000Z");
  CHECK_FALSE(from_posix_s(253'402'300'800));
  CHECK_FALSE(from_posix_s(~std::uint64_t{0}));
}

}  // namespace
}  // namespace openexec
