// SPDX-License-Identifier: Apache-2.0
#include "proto-json/text_lines.h"

#include <string>

#include "proto-json/crypto.h"
#include "tests/support/catch.h"

namespace openexec {
namespace {

TEST_CASE("lines are taken one by one, and none where no line ends") {
  std::string_view rest = "a\n\nb";
  CHECK(take_line(rest) == "a");
  CHECK(take_line(rest) == "");
  CHECK_FALSE(take_line(rest).has_value());
  CHECK(rest == "b");
  rest = "";
  CHECK_FALSE(take_line(rest).has_value());
}

TEST_CASE("a decimal has one spelling and is below 2^62") {
  CHECK(read_decimal("0") == 0);
  CHECK(read_decimal("7") == 7);
  CHECK(read_decimal("20852163") == 20852163);
  CHECK(read_decimal("4611686018427387903") == (std::uint64_t{1} << 62U) - 1);
  for (const std::string text : {"", "00", "01", "+1", "-1", "-0", " 1", "1 ", "1\r", "1.0", "1e3", "0x1", "a", "١",
                                 "4611686018427387904", "18446744073709551616", "99999999999999999999999"}) {
    INFO(text);
    CHECK_FALSE(read_decimal(text).has_value());
  }
}

TEST_CASE("a hash is 44 characters of canonical base64") {
  init_crypto();
  const Hash hash = sha256("x");
  const std::string line = to_base64_line(hash);
  CHECK(line.size() == 45);
  CHECK(line.back() == '\n');
  const std::string text = line.substr(0, 44);
  CHECK(read_base64_hash(text) == hash);
  CHECK_FALSE(read_base64_hash(line).has_value());
  CHECK_FALSE(read_base64_hash("").has_value());
  CHECK_FALSE(read_base64_hash(text.substr(0, 40)).has_value());
  CHECK_FALSE(read_base64_hash("AAAA" + text).has_value());
  CHECK_FALSE(read_base64_hash(text.substr(0, 43)).has_value());
  // Bits that carry nothing.
  CHECK_FALSE(read_base64_hash("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=").has_value());
  CHECK(read_base64_hash("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=") == Hash{});
}

TEST_CASE("hash lines end at the empty line, and are as many as may be") {
  init_crypto();
  const std::string two = to_base64_line(sha256("a")) + to_base64_line(sha256("b"));
  const std::string text = two + "\nnote\n";
  std::string_view rest = text;
  CHECK(take_hash_lines(rest, 2) == std::vector{sha256("a"), sha256("b")});
  CHECK(rest == "note\n");
  rest = text;
  CHECK_FALSE(take_hash_lines(rest, 1).has_value());
  rest = "\n";
  CHECK(take_hash_lines(rest, 0) == std::vector<Hash>());
  for (const std::string& bad : {two, std::string(), two + "x\n\n", two + " \n\n", two.substr(0, 89) + "\r\n\n"}) {
    rest = bad;
    INFO(bad);
    CHECK_FALSE(take_hash_lines(rest, 63).has_value());
  }
}

}  // namespace
}  // namespace openexec
