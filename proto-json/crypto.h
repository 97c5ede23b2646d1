// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4) by Nettle, Ed25519 (RFC 8032) by libsodium. Small-order and non-canonical points are refused.
#pragma once

#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "proto-json/bytes.h"

namespace openexec {

// Once before anything else here, from any thread. Aborts when libsodium cannot start.
void init_crypto();

Hash sha256(ByteView bytes);
Hash sha256(std::string_view text);
// Of the concatenation, with nothing between the parts.
Hash sha256(std::initializer_list<ByteView> parts);

bool verify_signature(const PublicKey& key, ByteView message, const Signature& signature);

struct FreeSecret {
  void operator()(std::uint8_t* memory) const noexcept;
};

// An Ed25519 private key in guarded, locked memory that is wiped when it goes.
class SecretKey {
 public:
  static constexpr std::size_t seed_bytes = 32;

  // The key of a 32-byte seed (RFC 8032 section 5.1.5). The caller wipes its own copy of the seed.
  static SecretKey from_seed(std::span<const std::uint8_t, seed_bytes> seed);
  SecretKey(SecretKey&&) noexcept = default;
  SecretKey& operator=(SecretKey&&) noexcept = default;
  SecretKey(const SecretKey&) = delete;
  SecretKey& operator=(const SecretKey&) = delete;
  ~SecretKey() = default;

  [[nodiscard]] PublicKey public_key() const;
  [[nodiscard]] Signature sign(ByteView message) const;
  // The seed, for writing a key file. Lives as long as this key.
  [[nodiscard]] std::span<const std::uint8_t, seed_bytes> seed() const;

 private:
  explicit SecretKey(std::unique_ptr<std::uint8_t[], FreeSecret> memory) : memory_(std::move(memory)) {}
  std::unique_ptr<std::uint8_t[], FreeSecret> memory_;  // seed ‖ public key, sodium_malloc
};

// A credential's text in guarded, locked memory that is wiped when it goes.
class SecretText {
 public:
  // The caller wipes its own copy.
  static SecretText from(std::string_view text);

  // Lives as long as this.
  [[nodiscard]] std::string_view view() const;

 private:
  SecretText(std::unique_ptr<std::uint8_t[], FreeSecret> memory, std::size_t size)
      : memory_(std::move(memory)), size_(size) {}
  std::unique_ptr<std::uint8_t[], FreeSecret> memory_;  // sodium_malloc
  std::size_t size_;
};

// Overwrites memory in a way the compiler keeps.
void wipe(std::span<std::uint8_t> memory);
void wipe(std::string& text);

}  // namespace openexec
