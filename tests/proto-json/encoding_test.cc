// SPDX-License-Identifier: Apache-2.0
#include "proto-json/encoding.h"

#include "tests/support/catch.h"
#include "tests/support/random_json.h"

namespace openexec {
namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes random_bytes(RandomJson& random, std::size_t size) {
  Bytes out(size);
  for (std::uint8_t& byte : out) {
    byte = static_cast<std::uint8_t>(random.below(256));
  }
  return out;
}

TEST_CASE("hexadecimal is lower case and reads back") {
  CHECK(to_hex(Bytes{}).empty());
  CHECK(to_hex(Bytes{0x00, 0x0F, 0xA0, 0xFF}) == "000fa0ff");
  RandomJson random(1);
  for (std::size_t size = 0; size < 70; ++size) {
    const Bytes bytes = random_bytes(random, size);
    CHECK(from_hex(to_hex(bytes)) == bytes);
  }
}

TEST_CASE("hexadecimal of another shape is refused") {
  for (const std::string_view text :
       {"0", "000", "0A", "A0", "0g", "g0", "0x00", " 00", "00 ", "0/", "0:", "0`", "é"}) {
    CAPTURE(text);
    CHECK_FALSE(from_hex(text).has_value());
  }
  CHECK_FALSE(from_hex(std::string_view("0\0", 2)).has_value());
}

TEST_CASE("base64 gives the vectors of RFC 4648") {
  const std::pair<std::string_view, std::string_view> cases[] = {{"", ""},
                                                                 {"f", "Zg=="},
                                                                 {"fo", "Zm8="},
                                                                 {"foo", "Zm9v"},
                                                                 {"foob", "Zm9vYg=="},
                                                                 {"fooba", "Zm9vYmE="},
                                                                 {"foobar", "Zm9vYmFy"},
                                                                 {"\xFB\xFF\xBF", "+/+/"}};
  for (const auto& [plain, text] : cases) {
    CAPTURE(text);
    CHECK(to_base64(bytes_of(plain)) == text);
    const auto back = from_base64(text);
    REQUIRE(back.has_value());
    CHECK(text_of(*back) == plain);
  }
}

TEST_CASE("base64 reads back for each length") {
  RandomJson random(2);
  for (std::size_t size = 0; size < 200; ++size) {
    const Bytes bytes = random_bytes(random, size);
    CHECK(from_base64(to_base64(bytes)) == bytes);
  }
}

TEST_CASE("one byte string has one base64 text only") {
  // Of all texts of four characters that end in padding, those that are read are those that are written.
  const std::string_view characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=-_ \n";
  std::size_t accepted = 0;
  std::size_t wrong = 0;
  for (const char first : {'A', 'z', '/'}) {
    for (const char second : characters) {
      for (const char third : characters) {
        const std::string text = {first, second, third, '='};
        if (const auto bytes = from_base64(text)) {
          ++accepted;
          wrong += to_base64(*bytes) == text ? 0U : 1U;
        }
      }
    }
  }
  CHECK(wrong == 0);
  CHECK(accepted == 3 * (64 * 16 + 4));  // two bytes: 4 of 6 bits free in the third; one byte: 2 of 6 in the second
}

TEST_CASE("base64 of another shape is refused") {
  for (const std::string_view text : {"Z",     "Zg",       "Zg=",  "Zg===", "Zh==",     "Zm9=",   "Zm8",
                                      "=",     "==",       "====", "A===",  "Zg==Zg==", "Zm9v\n", "Zm 9",
                                      " Zm9v", "Zm9v====", "Z=m9", "Zg=g",  "Zm-_",     "Zm9vé"}) {
    CAPTURE(text);
    CHECK_FALSE(from_base64(text).has_value());
  }
  CHECK_FALSE(from_base64(std::string_view("Zm9\0", 4)).has_value());
}

TEST_CASE("an execution id reads back from its UUID text") {
  RandomJson random(3);
  for (int i = 0; i < 100; ++i) {
    const auto id = ExecutionId::from(random_bytes(random, 16));
    REQUIRE(id.has_value());
    const std::string text = to_uuid_text(*id);
    CHECK(is_uuid_text(text));
    CHECK(from_uuid_text(text) == *id);
  }
  const ExecutionId id = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 255}};
  CHECK(to_uuid_text(id) == "00010203-0405-0607-0809-0a0b0c0d0eff");
}

TEST_CASE("a UUID of another shape is refused; upper case is a UUID but no id of ours") {
  const std::string good = "67203e9d-7af3-4cec-b702-b95666250b1c";
  REQUIRE(from_uuid_text(good).has_value());
  CHECK(is_uuid_text("67203E9D-7AF3-4CEC-B702-B95666250B1C"));
  CHECK_FALSE(from_uuid_text("67203E9D-7AF3-4CEC-B702-B95666250B1C").has_value());
  for (std::size_t i = 0; i < good.size(); ++i) {
    for (const char c : {'-', 'g', ' ', '\0', 'G', '/', ':', '@'}) {
      std::string text = good;
      if (text[i] == c) {
        continue;
      }
      text[i] = c;
      CAPTURE(text);
      CHECK_FALSE(is_uuid_text(text));
      CHECK_FALSE(from_uuid_text(text).has_value());
    }
    std::string cut = good;
    cut.erase(i, 1);
    CHECK_FALSE(is_uuid_text(cut));
  }
  CHECK_FALSE(is_uuid_text(good + "0"));
  CHECK_FALSE(is_uuid_text("{" + good + "}"));
  CHECK_FALSE(is_uuid_text("67203e9d7af34cecb702b95666250b1c"));
  CHECK_FALSE(is_uuid_text(""));
}

TEST_CASE("UTF-8 is accepted as a whole or not at all") {
  CHECK(is_utf8(""));
  CHECK(is_utf8("plain"));
  CHECK(is_utf8("\u00E9\u20AC\U0001F600\U0010FFFF"));
  CHECK(is_utf8(std::string_view("\0", 1)));
  CHECK_FALSE(is_utf8("plain\xFF"));
  CHECK_FALSE(is_utf8("\u00E9\xC3"));
  CHECK_FALSE(is_utf8("\xED\xA0\x80"));
  CHECK_FALSE(is_utf8("\xC0\x80"));
}

TEST_CASE("control characters are found, C1 ones too, and nothing else is") {
  CHECK(has_no_control_characters(""));
  CHECK(has_no_control_characters("plain ~ \u00A0\u00E9\u2028\U0001F600"));
  for (unsigned c = 0; c < 0x20; ++c) {
    CHECK_FALSE(has_no_control_characters(std::string("a") + static_cast<char>(c)));
  }
  for (const std::string_view text : {"\x7F", "\u0080", "a\u0085b", "\u009F"}) {
    CHECK_FALSE(has_no_control_characters(text));
  }
}

}  // namespace
}  // namespace openexec
