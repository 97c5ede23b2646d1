// SPDX-License-Identifier: Apache-2.0
// Fixed-size byte types. Each kind of bytes is its own type, so that a hash cannot be passed where a key is meant.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string_view>

namespace openexec {

using ByteView = std::span<const std::uint8_t>;

template <std::size_t N, typename Tag>
struct FixedBytes {
  static constexpr std::size_t size_bytes = N;
  std::array<std::uint8_t, N> data{};

  auto operator<=>(const FixedBytes&) const = default;
  [[nodiscard]] ByteView view() const { return data; }

  // The value whose bytes these are; nothing when the length differs.
  static std::optional<FixedBytes> from(ByteView bytes) {
    if (bytes.size() != N) {
      return std::nullopt;
    }
    FixedBytes out;
    std::memcpy(out.data.data(), bytes.data(), N);
    return out;
  }
};

using Hash = FixedBytes<32, struct HashTag>;                // SHA-256
using PublicKey = FixedBytes<32, struct PublicKeyTag>;      // Ed25519, RFC 8032
using Signature = FixedBytes<64, struct SignatureTag>;      // Ed25519, RFC 8032
using ExecutionId = FixedBytes<16, struct IdTag>;           // UUIDv8, RFC 9562
using ClaimKey = FixedBytes<32, struct ClaimKeyTag>;        // SHA-256(tenant ‖ 00 ‖ nonce)
using ApprovalKey = FixedBytes<32, struct ApprovalKeyTag>;  // SHA-256(tenant ‖ 00 ‖ approval id)

inline ByteView bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view text_of(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

}  // namespace openexec

// Keys of unordered containers: the bytes are hashes or derived from one, so the first eight are as good as any.
template <std::size_t N, typename Tag>
struct std::hash<openexec::FixedBytes<N, Tag>> {
  std::size_t operator()(const openexec::FixedBytes<N, Tag>& bytes) const noexcept {
    static_assert(N >= sizeof(std::size_t));
    std::size_t out = 0;
    std::memcpy(&out, bytes.data.data(), sizeof out);
    return out;
  }
};
