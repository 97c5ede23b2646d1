// SPDX-License-Identifier: Apache-2.0
#include "proto-json/execution_id.h"

#include <algorithm>

#include "proto-json/canonical.h"
#include "proto-json/crypto.h"

namespace openexec {
namespace {

// A label and its end: no other kind of hash starts with the same bytes.
constexpr std::string_view id_label("openexec/id/v1\0", 15);
constexpr std::string_view fingerprint_label("openexec/fingerprint/v1\0", 24);
constexpr std::string_view separator("\0", 1);

std::string seed_string(std::string_view text) {
  std::string out;
  append_seed_string(out, text);
  return out;
}

// Of the letters that a UUID can have.
char to_lower(char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

// The objects below are put together member by member, in code point order, so that no payload is copied or encoded
// twice.

std::string canonical_request(std::string_view action, const Json& payload) {
  return canonical_request(encode(action, {}, payload, std::nullopt, nullptr));
}

EncodedRequest encode(std::string_view action, std::string_view nonce, const Json& payload,
                      const std::optional<std::string>& tenant_id, const Json* approval) {
  return {seed_string(action), seed_string(nonce), to_compact(payload), tenant_id ? seed_string(*tenant_id) : "null",
          approval != nullptr ? to_compact(*approval) : "null"};
}

std::string canonical_request(const EncodedRequest& request) {
  constexpr std::size_t names_bytes = 32;
  std::string out;
  out.reserve(request.action.size() + request.payload.size() + names_bytes);
  out += R"({"action":)";
  out += request.action;
  out += R"(,"payload":)";
  out += request.payload;
  out += '}';
  return out;
}

ExecutionId execution_id(const EncodedRequest& request) {
  const Hash hash =
      sha256({bytes_of(id_label), bytes_of(R"({"action":)"), bytes_of(request.action), bytes_of(R"(,"nonce":)"),
              bytes_of(request.nonce), bytes_of(R"(,"payload":)"), bytes_of(request.payload),
              bytes_of(R"(,"tenant_id":)"), bytes_of(request.tenant_id), bytes_of("}")});

  ExecutionId id;
  std::copy_n(hash.data.begin(), id.data.size(), id.data.begin());
  id.data[6] = static_cast<std::uint8_t>((id.data[6] & 0x0fU) | 0x80U);  // version 8, RFC 9562 section 5.8
  id.data[8] = static_cast<std::uint8_t>((id.data[8] & 0x3fU) | 0x80U);  // variant 10, section 4.1
  return id;
}

ClaimKey claim_key(const std::optional<std::string>& tenant_id, std::string_view nonce) {
  const std::string_view tenant = tenant_id ? std::string_view(*tenant_id) : std::string_view();
  return {sha256({bytes_of(tenant), bytes_of(separator), bytes_of(nonce)}).data};
}

ApprovalKey approval_key(std::string_view tenant_id, std::string_view approval_id) {
  std::string lower(approval_id);
  std::ranges::transform(lower, lower.begin(), to_lower);
  return {sha256({bytes_of(tenant_id), bytes_of(separator), bytes_of(lower)}).data};
}

Hash request_fingerprint(std::string_view mode, const EncodedRequest& request) {
  const std::string quoted_mode = seed_string(mode);
  return sha256({bytes_of(fingerprint_label), bytes_of(R"({"action":)"), bytes_of(request.action),
                 bytes_of(R"(,"approval":)"), bytes_of(request.approval), bytes_of(R"(,"mode":)"),
                 bytes_of(quoted_mode), bytes_of(R"(,"payload":)"), bytes_of(request.payload),
                 bytes_of(R"(,"tenant_id":)"), bytes_of(request.tenant_id), bytes_of("}")});
}

}  // namespace openexec
