// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/keyring.h"

#include <array>

#include "proto-json/crypto.h"
#include "proto-json/limits.h"
#include "proto-json/pem.h"
#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec {
namespace {

SecretKey key_number(std::uint8_t number) {
  init_crypto();
  std::array<std::uint8_t, SecretKey::seed_bytes> seed{};
  seed.fill(number);
  return SecretKey::from_seed(seed);
}

std::string pem_number(std::uint8_t number) { return to_public_key_pem(key_number(number).public_key()); }

SignatureCheck signed_by(const SecretKey& key, std::string message) {
  const Signature signature = key.sign(bytes_of(message));
  return {std::move(message), signature};
}

TEST_CASE("a keyring knows each key by the name and the key id it came with") {
  Keyring keyring;
  CHECK(keyring.empty());
  REQUIRE(keyring.add_pem("ops", string_member(vectors("clawshield-v1"), "public_key_pem")).has_value());
  REQUIRE(keyring.approvers().size() == 1);
  CHECK_FALSE(keyring.empty());
  CHECK(keyring.approvers()[0].name == "ops");
  CHECK(keyring.approvers()[0].key_id == key_id(keyring.approvers()[0].key));
}

TEST_CASE("one key under two names is one key") {
  Keyring keyring;
  REQUIRE(keyring.add_pem("first", pem_number(1)).has_value());
  REQUIRE(keyring.add_pem("second", pem_number(1)).has_value());
  REQUIRE(keyring.approvers().size() == 1);
  CHECK(keyring.approvers()[0].name == "first");
}

TEST_CASE("what is no Ed25519 public key is refused and adds nothing") {
  Keyring keyring;
  CHECK_FALSE(keyring.add_pem("empty", "").has_value());
  CHECK_FALSE(keyring.add_pem("text", "hello").has_value());
  const auto secret = keyring.add_pem("secret", string_member(vectors("clawshield-v1"), "private_key_pem"));
  REQUIRE_FALSE(secret.has_value());
  CHECK_FALSE(secret.error().empty());
  CHECK(keyring.empty());
}

TEST_CASE("a key's name must be one that a receipt can hold") {
  Keyring keyring;
  for (const std::string& name : {std::string(), std::string("a\nb"), std::string("\xff"),
                                  std::string(limits::approver_name_bytes_max + 1, 'a')}) {
    CHECK_FALSE(keyring.add_pem(name, pem_number(1)).has_value());
  }
  CHECK(keyring.add_pem(std::string(limits::approver_name_bytes_max, 'a'), pem_number(1)).has_value());
}

TEST_CASE("a keyring has room for 64 keys, and says so at the next") {
  Keyring keyring;
  for (std::uint8_t number = 0; number < limits::approver_keys_max; ++number) {
    REQUIRE(keyring.add_pem("key", pem_number(number)).has_value());
  }
  const auto over = keyring.add_pem("key", pem_number(limits::approver_keys_max));
  REQUIRE_FALSE(over.has_value());
  CHECK(over.error() == "more than 64 approver keys");
  CHECK(keyring.add_pem("again", pem_number(0)).has_value());
  CHECK(keyring.approvers().size() == limits::approver_keys_max);
}

TEST_CASE("the signer is the one key that verifies the signature") {
  Keyring keyring;
  for (std::uint8_t number = 0; number < 3; ++number) {
    REQUIRE(keyring.add_pem("key", pem_number(number)).has_value());
  }
  CHECK(find_signer(keyring, signed_by(key_number(0), "text")) == 0U);
  CHECK(find_signer(keyring, signed_by(key_number(2), "text")) == 2U);
  CHECK_FALSE(find_signer(keyring, signed_by(key_number(3), "text")).has_value());
  CHECK_FALSE(find_signer(Keyring(), signed_by(key_number(0), "text")).has_value());

  SignatureCheck other_text = signed_by(key_number(0), "text");
  other_text.message = "test";
  CHECK_FALSE(find_signer(keyring, other_text).has_value());
}

}  // namespace
}  // namespace openexec
