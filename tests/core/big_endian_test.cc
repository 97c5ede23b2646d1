// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/big_endian.h"

#include <limits>

#include "tests/support/catch.h"

namespace openexec {
namespace {

TEST_CASE("numbers are stored with their highest byte first") {
  CHECK(to_big_endian(std::uint8_t{0xfe}) == "\xfe");
  CHECK(to_big_endian(std::uint32_t{0x01020304}) == std::string("\x01\x02\x03\x04"));
  CHECK(to_big_endian(std::uint64_t{1}) == std::string("\0\0\0\0\0\0\0\x01", 8));
}

TEST_CASE("a number that is written reads back the same") {
  for (const std::uint64_t value : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{0x80},
                                    std::uint64_t{0xff00ff00ff00ff}, std::numeric_limits<std::uint64_t>::max()}) {
    CHECK(from_big_endian<std::uint64_t>(to_big_endian(value)) == value);
  }
  CHECK(from_big_endian<std::uint8_t>("\xff") == 0xff);
}

TEST_CASE("byte order of stored numbers is their order") {
  std::string before = to_big_endian(std::uint64_t{0});
  for (std::uint64_t value = 1; value != 0; value <<= 1U) {
    const std::string after = to_big_endian(value);
    CHECK(before < after);
    before = after;
  }
}

TEST_CASE("bytes of another count are no number") {
  CHECK_FALSE(from_big_endian<std::uint64_t>("").has_value());
  CHECK_FALSE(from_big_endian<std::uint64_t>("1234567").has_value());
  CHECK_FALSE(from_big_endian<std::uint64_t>("123456789").has_value());
}

}  // namespace
}  // namespace openexec
