// SPDX-License-Identifier: Apache-2.0
#include "proto-json/pem.h"

#include <string>
#include <string_view>

#include "proto-json/encoding.h"
#include "tests/support/catch.h"

namespace openexec {
namespace {

// Written by `openssl genpkey` and `openssl pkey -pubout`.
constexpr std::string_view ed25519_private =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIKTERc08BsrcMZAKlcem/NXGryLBRA5/eM4RNhWuMZ5S\n"
    "-----END PRIVATE KEY-----\n";
constexpr std::string_view ed25519_public =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEAV0152ntvxagf/Q+P3ytENBT4AP++09a5/HH2gUo2FCU=\n"
    "-----END PUBLIC KEY-----\n";
constexpr std::string_view x25519_private =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VuBCIEINB68xOftzIODTwqOi11H3kG88PLxG9iKJ/s5N9zoylS\n"
    "-----END PRIVATE KEY-----\n";
constexpr std::string_view x25519_public =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VuAyEArb23rs4V8V4b4gXayXS+ySJy/CzRb+//c5g05sgVFFM=\n"
    "-----END PUBLIC KEY-----\n";
constexpr std::string_view ec_private =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgs3kubQd4mfPZ8p6R\n"
    "oc1b6yh/exuFPWB3jl3ceAgLzxehRANCAATmNUfF+y0phE6eJTbyElosiayp55SL\n"
    "8CrmVaUxI5ge7ADJM9Zuf2tY4lrg+5lLeg00iVT84swQ5+MavC+VnMnA\n"
    "-----END PRIVATE KEY-----\n";
constexpr std::string_view ec_public =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE5jVHxfstKYROniU28hJaLImsqeeU\n"
    "i/Aq5lWlMSOYHuwAyTPWbn9rWOJa4PuZS3oNNIlU/OLMEOfjGrwvlZzJwA==\n"
    "-----END PUBLIC KEY-----\n";
constexpr std::string_view rsa_public =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC3CCMA5KTs++pyVqyDdTh2/s4/\n"
    "8juzr1pffnwSuBIYSnj9vr+/nHjkAkzPSXh9tvQgw5D4Ae6IgIWlWoTg316MrfGE\n"
    "+UEtgQN3UbAmjJf5DZpDIAfXtSW1/HmWNctC5MuVZudf2b8YF15ZU6hMyCP2BXGm\n"
    "g1KkXDc83yRnRPNl5QIDAQAB\n"
    "-----END PUBLIC KEY-----\n";

std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out(text);
  for (std::size_t at = out.find(from); at != std::string::npos; at = out.find(from, at + to.size())) {
    out.replace(at, from.size(), to);
  }
  return out;
}

std::string public_error(std::string_view pem) {
  const auto key = read_public_key_pem(pem);
  return key ? "no error" : key.error();
}

std::string secret_error(std::string_view pem) {
  const auto key = read_secret_key_pem(pem);
  return key ? "no error" : key.error();
}

bool contains(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

TEST_CASE("keys that openssl wrote are read, and written as it wrote them") {
  init_crypto();
  const auto public_key = read_public_key_pem(ed25519_public);
  REQUIRE(public_key);
  CHECK(to_hex(public_key->view()) == "574d79da7b6fc5a81ffd0f8fdf2b443414f800ffbed3d6b9fc71f6814a361425");
  CHECK(to_public_key_pem(*public_key) == ed25519_public);

  const auto secret_key = read_secret_key_pem(ed25519_private);
  REQUIRE(secret_key);
  CHECK(to_hex(secret_key->seed()) == "a4c445cd3c06cadc31900a95c7a6fcd5c6af22c1440e7f78ce113615ae319e52");
  CHECK(secret_key->public_key() == *public_key);
  CHECK(to_secret_key_pem(*secret_key) == ed25519_private);
}

TEST_CASE("a key id is the SHA-256 of the DER key, as openssl pkey -pubout -outform DER | sha256sum shows it") {
  init_crypto();
  CHECK(key_id(read_public_key_pem(ed25519_public).value()) ==
        "295cdf19bd6837d434bb2a1724d8b15244f7e0a649f17188b670817b27e5bcb0");
}

TEST_CASE("white space around a PEM block and CRLF line ends are accepted") {
  init_crypto();
  const PublicKey key = read_public_key_pem(ed25519_public).value();
  const std::string crlf = replaced(ed25519_public, "\n", "\r\n");
  const std::string no_last_end(ed25519_public.substr(0, ed25519_public.size() - 1));
  const std::string padded = "\r\n \t" + std::string(ed25519_public) + " \n\t\r\n";
  const std::string two_lines = replaced(ed25519_public, "xagf", "xa\ngf");
  for (const std::string& pem : {crlf, no_last_end, padded, two_lines}) {
    INFO(pem);
    CHECK(read_public_key_pem(pem) == key);
  }
  CHECK(read_secret_key_pem(replaced(ed25519_private, "\n", "\r\n")).has_value());
}

TEST_CASE("a private key where a public one is wanted is refused in so many words, and the other way round") {
  init_crypto();
  CHECK(contains(public_error(ed25519_private), "private key where a public key is wanted"));
  CHECK(contains(secret_error(ed25519_public), "public key where a private key is wanted"));
  CHECK(contains(secret_error(replaced(ed25519_private, "PRIVATE", "ENCRYPTED PRIVATE")), "passphrase"));
}

TEST_CASE("keys of other algorithms are refused as not Ed25519") {
  init_crypto();
  for (const std::string_view pem : {x25519_public, ec_public, rsa_public}) {
    CHECK(contains(public_error(pem), "not an Ed25519 key"));
  }
  for (const std::string_view pem : {x25519_private, ec_private}) {
    CHECK(contains(secret_error(pem), "not an Ed25519 key"));
  }
  CHECK(contains(public_error(replaced(rsa_public, "PUBLIC", "RSA PUBLIC")), "another kind of PEM block"));
  CHECK(contains(public_error(replaced(ed25519_public, "PUBLIC KEY", "CERTIFICATE")), "another kind of PEM block"));
  CHECK(contains(secret_error(replaced(ec_private, "PRIVATE", "EC PRIVATE")), "another kind of PEM block"));
}

TEST_CASE("what is not exactly one PEM block is refused") {
  init_crypto();
  const std::string good(ed25519_public);
  CHECK(contains(public_error(""), "no PEM block"));
  CHECK(contains(public_error(" \n"), "no PEM block"));
  CHECK(contains(public_error("/etc/openexec/approver.pem"), "no PEM block"));
  CHECK(contains(public_error("comment\n" + good), "no PEM block"));
  CHECK(contains(public_error("-----BEGIN PUBLIC KEY----\n"), "no PEM block"));
  CHECK(contains(public_error("-----BEGIN -----\n"), "no PEM block"));
  CHECK(contains(public_error(good + good), "text after the PEM block"));
  CHECK(contains(public_error(good + "comment\n"), "text after the PEM block"));
  CHECK(contains(public_error("-----BEGIN PUBLIC KEY-----"), "no line \"-----END PUBLIC KEY-----\""));
  CHECK(contains(public_error(good.substr(0, good.find("-----END"))), "no line \"-----END PUBLIC KEY-----\""));
  CHECK(contains(public_error(replaced(good, "END PUBLIC", "END PRIVATE")), "does not end with"));
  CHECK(contains(public_error(replaced(good, "\n", "\\n")), "no PEM block"));
  CHECK(contains(public_error("-----BEGIN PUBLIC KEY-----\n-----END PUBLIC KEY-----\n"), "not an Ed25519 key"));
}

TEST_CASE("base64 that is not the canonical one is refused") {
  init_crypto();
  for (const std::string& pem : {replaced(ed25519_public, "xagf", "xa gf"), replaced(ed25519_public, "xagf", "xa\rgf"),
                                 replaced(ed25519_public, "FCU=", "FCU"), replaced(ed25519_public, "FCU=", "FCV="),
                                 replaced(ed25519_public, "FCU=",
                                          "FCU=\n"
                                          "MCow"),
                                 replaced(ed25519_public, "/", "_"), replaced(ed25519_public, "xagf", "xa-gf")}) {
    INFO(pem);
    CHECK(contains(public_error(pem), "not canonical base64"));
  }
}

TEST_CASE("no other character in a PEM block gives the same key") {
  init_crypto();
  const PublicKey key = read_public_key_pem(ed25519_public).value();
  const std::size_t end = ed25519_public.size() - 1;  // the last line end may be any white space
  for (std::size_t at = 0; at < end; ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string pem(ed25519_public);
      if (pem[at] == static_cast<char>(byte)) {
        continue;
      }
      pem[at] = static_cast<char>(byte);
      const auto other = read_public_key_pem(pem);
      REQUIRE_FALSE((other && *other == key));
    }
  }
}

TEST_CASE("a PEM error never quotes the file") {
  init_crypto();
  const std::string_view secret = "KTERc08BsrcMZAKlcem";
  for (const std::string& pem :
       {std::string(ed25519_private), "x" + std::string(ed25519_private), replaced(ed25519_private, "PRIVATE", "EC"),
        replaced(ed25519_private, "MZ5S", "MZ5"), replaced(ed25519_private, "MC4C", "MC5C"),
        std::string(ed25519_private) + std::string(ed25519_private)}) {
    INFO(pem);
    CHECK_FALSE(contains(public_error(pem), secret));
    CHECK_FALSE(contains(secret_error(pem), secret));
  }
}

}  // namespace
}  // namespace openexec
