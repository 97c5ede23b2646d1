// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/redactor.h"

#include <algorithm>
#include <array>
#include <random>
#include <vector>

#include "proto-json/encoding.h"
#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

constexpr std::string_view token = "s3cr3t-token-0123456789";
constexpr std::string_view longer = "begin-s3cr3t-token-0123456789-end";

std::string redacted(std::vector<std::string_view> secrets, std::string_view text,
                     std::size_t bytes_max = std::string_view::npos) {
  return Redactor(secrets).text(text, bytes_max);
}

TEST_CASE("a secret is replaced wherever it stands whole, and nothing else is") {
  const std::string both = std::string(token) + " and " + std::string(token);
  CHECK(redacted({token}, both) == "[redacted] and [redacted]");
  CHECK(redacted({token}, token.substr(1)) == token.substr(1));
  CHECK(redacted({token}, "no secret") == "no secret");
  CHECK(redacted({token}, "").empty());
  CHECK(redacted({}, both) == both);
}

TEST_CASE("secrets that overlap or hold one another are replaced as one") {
  const std::string_view first = "aaaaaaaaaaaaaaaabbbb";
  const std::string_view second = "bbbbcccccccccccccccc";
  CHECK(redacted({first, second}, "<aaaaaaaaaaaaaaaabbbbcccccccccccccccc>") == "<[redacted]>");
  CHECK(redacted({token, longer}, "<" + std::string(longer) + ">") == "<[redacted]>");
  CHECK(redacted({longer, token}, "<" + std::string(longer) + ">") == "<[redacted]>");
  // One that overlaps itself.
  const std::string_view periodic = "abababababababab";
  CHECK(redacted({periodic}, "abababababababababab!") == "[redacted]!");
  CHECK(redacted({"aaaaaaaaaaaaaaaa"}, std::string(100'000, 'a')) == "[redacted]");
}

TEST_CASE("a secret that a failed beginning of itself comes before is found") {
  const std::string_view secret = "aaaaaaaaaaaaaaaaaaab";
  CHECK(redacted({secret}, "aaa" + std::string(secret)) == "aaa[redacted]");
  const std::string_view woven = "abcabcabcabcabcabd";
  CHECK(redacted({woven}, "abcabc" + std::string(woven)) == "abcabc[redacted]");
}

TEST_CASE("the bound counts bytes of the original: nothing from past it moves in, no secret is shown in part") {
  const std::string text = "0123456789" + std::string(token) + "tail";
  CHECK(redacted({token}, text, 9) == "012345678");
  CHECK(redacted({token}, text, 10) == "0123456789");
  for (std::size_t bound = 11; bound <= 10 + token.size(); ++bound) {
    INFO(bound);
    CHECK(redacted({token}, text, bound) == "0123456789[redacted]");
  }
  CHECK(redacted({token}, text, 11 + token.size()) == "0123456789[redacted]t");
}

TEST_CASE("what is no UTF-8 becomes U+FFFD, and a character that the bound cuts is left out") {
  CHECK(redacted({},
                 "a\xFF"
                 "b\xC3") == "a\uFFFDb\uFFFD");
  CHECK(redacted({}, "a\u20ACb", 4) == "a\u20AC");
  CHECK(redacted({}, "a\u20ACb", 3) == "a");
  CHECK(redacted({}, "a\u20ACb", 2) == "a");
  CHECK(redacted({}, "a\u20ACb", 1) == "a");
  CHECK(redacted({}, "\xFF\xFF\xFF", 2) == "\uFFFD\uFFFD");
}

TEST_CASE("a secret that a replacement or a repair brings together is replaced too") {
  // The replacement of the first makes the second.
  CHECK(redacted({token, "<<<[redacted]>>>"}, "<<<" + std::string(token) + ">>>") == "[redacted]");
  CHECK(redacted({token, "[redacted][redacted]"}, std::string(token) + std::string(token)) == "[redacted]");
  // A byte that is no UTF-8 stands where the secret has U+FFFD.
  CHECK(redacted({"0123456789\uFFFDabcdef"},
                 "0123456789\xFF"
                 "abcdef") == "[redacted]");
  // The secret begins and ends inside characters.
  const std::string text = redacted({"\xAC"
                                     "0123456789abcdef\xE2"},
                                    "\u20AC0123456789abcdef\u20AC");
  CHECK(is_utf8(text));
  CHECK(text.find("0123456789abcdef") == std::string::npos);
}

TEST_CASE("in JSON a secret is replaced in every string and every name") {
  const Json json = parsed(R"({"a":["x s3cr3t-token-0123456789",1,null],"s3cr3t-token-0123456789":{"b":"y"}})");
  const std::array<std::string_view, 1> secrets = {token};
  CHECK(Redactor(secrets).value(json) == parsed(R"({"[redacted]":{"b":"y"},"a":["x [redacted]",1,null]})"));
}

TEST_CASE("names that become the same are told apart") {
  const std::array<std::string_view, 2> secrets = {"aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"};
  const Json json =
      parsed(R"({"aaaaaaaaaaaaaaaa":1,"aaaaaaaaaaaaaaaaa":2,"bbbbbbbbbbbbbbbb":3,"[redacted] 2":4,"[redacted]":5})");
  const Json out = Redactor(secrets).value(json);
  REQUIRE(out.if_object() != nullptr);
  CHECK(out.if_object()->size() == 5);
  CHECK(out.find("[redacted]") != nullptr);
  CHECK(*out.find("[redacted]") == Json(5));
  CHECK(*out.find("[redacted] 2") == Json(4));
}

TEST_CASE("no text that is made of pieces of secrets comes out with one in it") {
  std::mt19937 random(7);
  const std::array<std::string_view, 5> secrets = {"aaaaaaaaaaaaaaaa", "abababababababab", "baaaaaaaaaaaaaaaaaab",
                                                   "[redacted]a[redacted]", "\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD"};
  const std::array<std::string_view, 9> pieces = {"a",          "aaaaaaaa", "ab",       "abababab",    "b",
                                                  "[redacted]", "\xFF",     "\xE2\x82", "\uFFFD\uFFFD"};
  const Redactor redactor(secrets);
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    const std::size_t count = 1 + random() % 40;
    for (std::size_t i = 0; i < count; ++i) {
      text += pieces[random() % pieces.size()];
    }
    const std::string out = redactor.text(text, random() % 2 == 0 ? std::string_view::npos : random() % 64);
    INFO(text << " became " << out);
    REQUIRE(is_utf8(out));
    REQUIRE(std::ranges::none_of(secrets, [&](std::string_view secret) { return out.contains(secret); }));
  }
}

TEST_CASE("a secret behind the escapes of JSON is replaced in any text, also in one that is cut or no JSON") {
  const std::string_view secret = "abcdefgh/ijklmnop\"q";
  for (const char* const written : {R"(abcdefgh/ijklmnop\"q)", R"(abcdefgh\/ijklmnop\"q)",
                                    R"(abcdefgh/ijklmnop\u0022q)", R"(\u0061bcdefgh\u002Fijklmnop\u0022q)"}) {
    INFO(written);
    CHECK(redacted({secret}, std::string("{\"a\":\"") + written + "\"} x") == "{\"a\":\"[redacted]\"} x");
    CHECK(redacted({secret}, std::string("{\"a\":\"") + written + "\"} x", 7) == "{\"a\":\"[redacted]");
  }
  const std::string_view pem = "-----BEGIN KEY-----\nMC4CAQAw\nBQYDK2Vw\n-----END KEY-----";
  CHECK(redacted({pem}, R"(k: "-----BEGIN KEY-----\nMC4CAQAw\nBQYDK2Vw\n-----END KEY-----\n")") ==
        R"(k: "[redacted]\n")");
  // Both spellings, overlapping.
  CHECK(redacted({"0123456789\\n", "n9876543210!"}, R"(0123456789\n9876543210!)") == "[redacted]");
}

TEST_CASE("in JSON a number whose text holds a secret is replaced") {
  const std::array<std::string_view, 3> secrets = {"1234567890123456", "98765432109876543", "0.12345678901"};
  CHECK(Redactor(secrets).value(parsed("[1.234567890123456e15,-1.2345678901234561e-1,1,2.5]")) ==
        parsed(R"(["[redacted]","[redacted]",1,2.5])"));
  CHECK(Redactor(secrets).value(parsed("[98765432109876543]")) == parsed(R"(["[redacted]"])"));
}

TEST_CASE("JSON whose layout makes a secret whole is replaced as a whole") {
  const std::array<std::string_view, 1> secrets = {R"({"key": "value", "n": 1})"};
  CHECK(Redactor(secrets).value(parsed(R"([{"n":1,"key":"value"}])")) == Json("[redacted]"));
  CHECK(Redactor(secrets).value(parsed(R"([{"n":2,"key":"value"}])")) == parsed(R"([{"n":2,"key":"value"}])"));
}

}  // namespace
}  // namespace openexec::test
