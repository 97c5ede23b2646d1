// SPDX-License-Identifier: Apache-2.0
#include "proto-json/crypto.h"

#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "proto-json/encoding.h"
#include "tests/support/catch.h"

namespace openexec {
namespace {

template <typename T>
T from_hex_text(std::string_view hex) {
  return T::from(from_hex(hex).value()).value();
}

SecretKey key_of(std::string_view seed_hex) {
  const std::vector<std::uint8_t> seed = from_hex(seed_hex).value();
  return SecretKey::from_seed(std::span<const std::uint8_t, SecretKey::seed_bytes>(seed));
}

struct SignatureCase {
  std::string_view seed;
  std::string_view public_key;
  std::string_view message;
  std::string_view signature;
};

// RFC 8032 section 7.1, tests 1 to 3.
constexpr SignatureCase rfc8032[] = {
    {"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
     "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
     "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe246"
     "5"
     "5141438e7a100b"},
    {"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
     "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
     "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb"
     "0"
     "0d291612bb0c00"},
    {"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
     "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
     "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc"
     "0"
     "27beceea1ec40a"},
};

TEST_CASE("SHA-256 gives the digests of FIPS 180-4") {
  init_crypto();
  CHECK(to_hex(sha256(std::string_view()).view()) ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(to_hex(sha256("abc").view()) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(to_hex(sha256("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq").view()) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(to_hex(sha256(std::string(1'000'000, 'a')).view()) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("SHA-256 of parts is that of their concatenation") {
  init_crypto();
  const std::string text = "one two three";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const ByteView bytes = bytes_of(text);
    CHECK(sha256({bytes.first(cut), ByteView(), bytes.subspan(cut)}) == sha256(text));
  }
  CHECK(sha256(std::initializer_list<ByteView>{}) == sha256(std::string_view()));
}

TEST_CASE("Ed25519 signs and verifies as RFC 8032 says") {
  init_crypto();
  for (const SignatureCase& test : rfc8032) {
    const SecretKey key = key_of(test.seed);
    const std::vector<std::uint8_t> message = from_hex(test.message).value();
    CHECK(to_hex(key.public_key().view()) == test.public_key);
    CHECK(to_hex(key.sign(message).view()) == test.signature);
    CHECK(to_hex(key.seed()) == test.seed);
    CHECK(
        verify_signature(from_hex_text<PublicKey>(test.public_key), message, from_hex_text<Signature>(test.signature)));
  }
}

TEST_CASE("a signature verifies no more when any bit of it, of the key or of the message is flipped") {
  init_crypto();
  const SecretKey key = key_of(rfc8032[2].seed);
  const std::vector<std::uint8_t> message = from_hex(rfc8032[2].message).value();
  const PublicKey public_key = key.public_key();
  const Signature signature = key.sign(message);
  REQUIRE(verify_signature(public_key, message, signature));

  const auto flip = [](auto& bytes, std::size_t bit) {
    bytes[bit / 8] = static_cast<std::uint8_t>(bytes[bit / 8] ^ (1U << (bit % 8)));
  };
  for (std::size_t bit = 0; bit < 8 * Signature::size_bytes; ++bit) {
    Signature other = signature;
    flip(other.data, bit);
    CHECK_FALSE(verify_signature(public_key, message, other));
  }
  for (std::size_t bit = 0; bit < 8 * PublicKey::size_bytes; ++bit) {
    PublicKey other = public_key;
    flip(other.data, bit);
    CHECK_FALSE(verify_signature(other, message, signature));
  }
  for (std::size_t bit = 0; bit < 8 * message.size(); ++bit) {
    std::vector<std::uint8_t> other = message;
    flip(other, bit);
    CHECK_FALSE(verify_signature(public_key, other, signature));
  }
  CHECK_FALSE(verify_signature(public_key, {}, signature));
}

TEST_CASE("a signature has one form: S plus the group order is refused") {
  init_crypto();
  const std::vector<std::uint8_t> order =
      from_hex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010").value();
  const SecretKey key = key_of(rfc8032[0].seed);
  Signature signature = key.sign({});
  REQUIRE(verify_signature(key.public_key(), {}, signature));
  unsigned carry = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const unsigned sum = unsigned{signature.data[32 + i]} + order[i] + carry;
    signature.data[32 + i] = static_cast<std::uint8_t>(sum & 0xffU);
    carry = sum >> 8;
  }
  REQUIRE(carry == 0);
  CHECK_FALSE(verify_signature(key.public_key(), {}, signature));
}

TEST_CASE("a key of small order verifies nothing, though the equation holds for every message") {
  init_crypto();
  // The neutral element as key and as R, with S = 0: R + h*A = S*B for any h.
  PublicKey neutral;
  neutral.data[0] = 1;
  Signature signature;
  signature.data[0] = 1;
  CHECK_FALSE(verify_signature(neutral, bytes_of("anything"), signature));
  CHECK_FALSE(verify_signature(PublicKey{}, bytes_of("anything"), signature));
  CHECK_FALSE(verify_signature(PublicKey{}, bytes_of("anything"), Signature{}));
}

TEST_CASE("a secret key that was moved signs as before") {
  init_crypto();
  SecretKey first = key_of(rfc8032[0].seed);
  const Signature signature = first.sign(bytes_of("x"));
  SecretKey second = std::move(first);
  CHECK(second.sign(bytes_of("x")) == signature);
  SecretKey third = key_of(rfc8032[1].seed);
  third = std::move(second);
  CHECK(third.sign(bytes_of("x")) == signature);
}

TEST_CASE("init_crypto may be called from many threads at once") {
  std::vector<std::thread> threads;
  std::vector<Hash> hashes(8);
  for (Hash& hash : hashes) {
    threads.emplace_back([&hash] {
      init_crypto();
      hash = sha256("abc");
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  for (const Hash& hash : hashes) {
    CHECK(hash == sha256("abc"));
  }
}

TEST_CASE("wiped memory is zero, a wiped text empty") {
  std::vector<std::uint8_t> memory(100, 0xaa);
  wipe(memory);
  CHECK(memory == std::vector<std::uint8_t>(100, 0));
  wipe(std::span<std::uint8_t>());

  std::string text(1000, 's');
  const std::size_t capacity = text.capacity();
  wipe(text);
  CHECK(text.empty());
  REQUIRE(text.capacity() == capacity);
  // It keeps its memory: here is what was left in it.
  text.resize_and_overwrite(capacity, [](const char*, std::size_t size) { return size; });
  CHECK(text == std::string(capacity, '\0'));
}

}  // namespace
}  // namespace openexec
