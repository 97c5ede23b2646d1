// SPDX-License-Identifier: Apache-2.0
#include "proto-json/crypto.h"

#include <nettle/sha2.h>
#include <nettle/version.h>
#include <sodium.h>

#include "proto-json/check.h"

namespace openexec {

static_assert(Hash::size_bytes == SHA256_DIGEST_SIZE);
static_assert(PublicKey::size_bytes == crypto_sign_PUBLICKEYBYTES);
static_assert(Signature::size_bytes == crypto_sign_BYTES);
static_assert(SecretKey::seed_bytes == crypto_sign_SEEDBYTES);
static_assert(SecretKey::seed_bytes + PublicKey::size_bytes == crypto_sign_SECRETKEYBYTES);

void init_crypto() { OPENEXEC_CHECK(sodium_init() >= 0); }

Hash sha256(ByteView bytes) { return sha256({bytes}); }

Hash sha256(std::string_view text) { return sha256({bytes_of(text)}); }

Hash sha256(std::initializer_list<ByteView> parts) {
  sha256_ctx state;
  sha256_init(&state);
  for (const ByteView part : parts) {
    sha256_update(&state, part.size(), part.data());
  }
  Hash out;
#if NETTLE_VERSION_MAJOR >= 4
  sha256_digest(&state, out.data.data());
#else
  sha256_digest(&state, out.size_bytes, out.data.data());
#endif
  return out;
}

bool verify_signature(const PublicKey& key, ByteView message, const Signature& signature) {
  return crypto_sign_verify_detached(signature.data.data(), message.data(), message.size(), key.data.data()) == 0;
}

void FreeSecret::operator()(std::uint8_t* memory) const noexcept { sodium_free(memory); }

SecretKey SecretKey::from_seed(std::span<const std::uint8_t, seed_bytes> seed) {
  // sodium_malloc goes on without the lock where mlock is not allowed: the guard pages and the wiping stay.
  std::unique_ptr<std::uint8_t[], FreeSecret> memory(
      static_cast<std::uint8_t*>(sodium_malloc(crypto_sign_SECRETKEYBYTES)));
  OPENEXEC_CHECK(memory != nullptr);
  PublicKey public_key;
  OPENEXEC_CHECK(crypto_sign_seed_keypair(public_key.data.data(), memory.get(), seed.data()) == 0);
  OPENEXEC_CHECK(sodium_mprotect_readonly(memory.get()) == 0);
  return SecretKey(std::move(memory));
}

PublicKey SecretKey::public_key() const {
  OPENEXEC_CHECK(memory_ != nullptr);  // moved from
  PublicKey out;
  std::memcpy(out.data.data(), memory_.get() + seed_bytes, out.data.size());
  return out;
}

Signature SecretKey::sign(ByteView message) const {
  OPENEXEC_CHECK(memory_ != nullptr);
  Signature out;
  OPENEXEC_CHECK(crypto_sign_detached(out.data.data(), nullptr, message.data(), message.size(), memory_.get()) == 0);
  return out;
}

std::span<const std::uint8_t, SecretKey::seed_bytes> SecretKey::seed() const {
  OPENEXEC_CHECK(memory_ != nullptr);
  return std::span<const std::uint8_t, seed_bytes>(memory_.get(), seed_bytes);
}

SecretText SecretText::from(std::string_view text) {
  std::unique_ptr<std::uint8_t[], FreeSecret> memory(static_cast<std::uint8_t*>(sodium_malloc(text.size())));
  OPENEXEC_CHECK(memory != nullptr);
  std::ranges::copy(text, memory.get());
  OPENEXEC_CHECK(sodium_mprotect_readonly(memory.get()) == 0);
  return {std::move(memory), text.size()};
}

std::string_view SecretText::view() const {
  OPENEXEC_CHECK(memory_ != nullptr);  // moved from
  return {reinterpret_cast<const char*>(memory_.get()), size_};
}

void wipe(std::span<std::uint8_t> memory) { sodium_memzero(memory.data(), memory.size()); }

void wipe(std::string& text) {
  text.resize(text.capacity());  // what a longer text left behind, too
  sodium_memzero(text.data(), text.size());
  text.clear();
}

}  // namespace openexec
