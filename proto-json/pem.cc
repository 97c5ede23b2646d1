// SPDX-License-Identifier: Apache-2.0
#include "proto-json/pem.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

#include "proto-json/encoding.h"

namespace openexec {
namespace {

// DER up to the 32 bytes of the key (RFC 8410 sections 4 and 7).
constexpr std::array<std::uint8_t, 12> public_prefix{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03,
                                                     0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
constexpr std::array<std::uint8_t, 16> secret_prefix{0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06,
                                                     0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20};
static_assert(public_prefix.size() + PublicKey::size_bytes == 44);
static_assert(secret_prefix.size() + SecretKey::seed_bytes == 48);

constexpr std::string_view public_label = "PUBLIC KEY";
constexpr std::string_view secret_label = "PRIVATE KEY";
constexpr std::string_view white_space = " \t\r\n";
constexpr std::string_view dashes = "-----";
constexpr std::size_t base64_line_chars = 64;  // RFC 7468 section 2

// Overwrites what it names when it goes, on every way out.
template <typename Buffer>
class WipeAtEnd {
 public:
  explicit WipeAtEnd(Buffer& buffer) : buffer_(buffer) {}
  WipeAtEnd(const WipeAtEnd&) = delete;
  WipeAtEnd& operator=(const WipeAtEnd&) = delete;
  WipeAtEnd(WipeAtEnd&&) = delete;
  WipeAtEnd& operator=(WipeAtEnd&&) = delete;
  ~WipeAtEnd() { wipe(buffer_); }

 private:
  Buffer& buffer_;
};

std::string_view trim(std::string_view text) {
  const std::size_t first = text.find_first_not_of(white_space);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(white_space) - first + 1);
}

// Cuts the first line off `text`, without its "\n" or "\r\n".
std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  return line;
}

// The label of "-----BEGIN label-----"; empty when the line is none.
std::string_view label_of(std::string_view line, std::string_view word) {
  const std::string head = std::string(dashes) + std::string(word) + " ";
  if (line.size() <= head.size() + dashes.size() || !line.starts_with(head) || !line.ends_with(dashes)) {
    return {};
  }
  return line.substr(head.size(), line.size() - head.size() - dashes.size());
}

std::string wrong_label(std::string_view label, std::string_view wanted) {
  if (label == secret_label) {
    return "this is a private key where a public key is wanted: give the public half "
           "(openssl pkey -in KEY -pubout) and keep the private key away from here";
  }
  if (label == public_label) {
    return "this is a public key where a private key is wanted";
  }
  if (label == "ENCRYPTED PRIVATE KEY") {
    return "this is a private key under a passphrase: only a plain Ed25519 \"" + std::string(wanted) + "\" can be read";
  }
  return "not an Ed25519 \"" + std::string(wanted) + "\" PEM block, but another kind of PEM block";
}

// The bytes of the one PEM block with that label. The caller wipes them when they are secret.
std::expected<std::vector<std::uint8_t>, std::string> read_block(std::string_view pem, std::string_view wanted) {
  std::string_view rest = trim(pem);
  const std::string_view label = label_of(take_line(rest), "BEGIN");
  if (label.empty()) {
    return std::unexpected("no PEM block: the text must start with \"-----BEGIN " + std::string(wanted) + "-----\"");
  }
  if (label != wanted) {
    return std::unexpected(wrong_label(label, wanted));
  }
  std::string base64;
  const WipeAtEnd wipe_base64(base64);
  base64.reserve(rest.size());  // so that it never moves and leaves a copy
  while (true) {
    if (rest.empty()) {
      return std::unexpected("the PEM block has no line \"-----END " + std::string(wanted) + "-----\"");
    }
    const std::string_view line = take_line(rest);
    if (line.starts_with(dashes)) {
      if (label_of(line, "END") != wanted) {
        return std::unexpected("the PEM block does not end with \"-----END " + std::string(wanted) + "-----\"");
      }
      break;
    }
    base64 += line;
  }
  if (!rest.empty()) {
    return std::unexpected("text after the PEM block: exactly one key is wanted");
  }
  std::optional<std::vector<std::uint8_t>> der = from_base64(base64);
  if (!der) {
    return std::unexpected("the PEM block is not canonical base64");
  }
  return *std::move(der);
}

// The 32 bytes after the prefix; empty when `der` is not that prefix and 32 bytes.
template <std::size_t N>
ByteView key_bytes(ByteView der, const std::array<std::uint8_t, N>& prefix) {
  if (der.size() != N + 32 || !std::ranges::equal(der.first(N), prefix)) {
    return {};
  }
  return der.subspan(N);
}

template <std::size_t N>
std::array<std::uint8_t, N + 32> with_prefix(const std::array<std::uint8_t, N>& prefix, ByteView key) {
  std::array<std::uint8_t, N + 32> der{};
  std::ranges::copy(prefix, der.begin());
  std::ranges::copy(key, der.begin() + N);
  return der;
}

std::string to_block(ByteView der, std::string_view label) {
  std::string base64 = to_base64(der);
  const WipeAtEnd wipe_base64(base64);
  std::string out;
  out.reserve((2 * base64.size()) + (4 * dashes.size()) + (2 * label.size()) + 16);  // so that it never moves
  out.append(dashes).append("BEGIN ").append(label).append(dashes).append("\n");
  for (std::size_t at = 0; at < base64.size(); at += base64_line_chars) {
    out.append(base64, at, base64_line_chars).append("\n");
  }
  out.append(dashes).append("END ").append(label).append(dashes).append("\n");
  return out;
}

}  // namespace

std::expected<PublicKey, std::string> read_public_key_pem(std::string_view pem) {
  const std::expected<std::vector<std::uint8_t>, std::string> der = read_block(pem, public_label);
  if (!der) {
    return std::unexpected(der.error());
  }
  const std::optional<PublicKey> key = PublicKey::from(key_bytes(*der, public_prefix));
  if (!key) {
    return std::unexpected("not an Ed25519 key: the block holds another kind of public key (RSA, EC, X25519, ...)");
  }
  return *key;
}

std::expected<SecretKey, std::string> read_secret_key_pem(std::string_view pem) {
  std::expected<std::vector<std::uint8_t>, std::string> der = read_block(pem, secret_label);
  if (!der) {
    return std::unexpected(der.error());
  }
  const WipeAtEnd wipe_der(*der);
  const ByteView seed = key_bytes(*der, secret_prefix);
  if (seed.empty()) {
    return std::unexpected(
        "not an Ed25519 key: the block holds another kind of private key (RSA, EC, X25519, ...), or one with "
        "attributes");
  }
  return SecretKey::from_seed(seed.first<SecretKey::seed_bytes>());
}

std::string to_public_key_pem(const PublicKey& key) {
  return to_block(with_prefix(public_prefix, key.view()), public_label);
}

std::string to_secret_key_pem(const SecretKey& key) {
  std::array<std::uint8_t, secret_prefix.size() + SecretKey::seed_bytes> der = with_prefix(secret_prefix, key.seed());
  const WipeAtEnd wipe_der(der);
  return to_block(der, secret_label);
}

std::string key_id(const PublicKey& key) { return to_hex(sha256(with_prefix(public_prefix, key.view())).view()); }

}  // namespace openexec
