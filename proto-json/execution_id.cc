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

void append_tenant(std::string& out, const std::optional<std::string>& tenant_id) {
  if (tenant_id) {
    append_seed_string(out, *tenant_id);
  } else {
    out += "null";
  }
}

// Of the letters that a UUID can have.
char to_lower(char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

// The objects below are written member by member, in code point order, so that no payload is copied.

std::string canonical_request(std::string_view action, const Json& payload) {
  std::string out = R"({"action":)";
  append_seed_string(out, action);
  out += R"(,"payload":)";
  append_compact(out, payload);
  out += '}';
  return out;
}

ExecutionId execution_id(std::string_view action, std::string_view nonce, const Json& payload,
                         const std::optional<std::string>& tenant_id) {
  std::string text = R"({"action":)";
  append_seed_string(text, action);
  text += R"(,"nonce":)";
  append_seed_string(text, nonce);
  text += R"(,"payload":)";
  append_compact(text, payload);
  text += R"(,"tenant_id":)";
  append_tenant(text, tenant_id);
  text += '}';
  const Hash hash = sha256({bytes_of(id_label), bytes_of(text)});

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

Hash request_fingerprint(std::string_view mode, const std::optional<std::string>& tenant_id, std::string_view action,
                         const Json& payload, const Json& approval) {
  std::string text = R"({"action":)";
  append_seed_string(text, action);
  text += R"(,"approval":)";
  append_compact(text, approval);
  text += R"(,"mode":)";
  append_seed_string(text, mode);
  text += R"(,"payload":)";
  append_compact(text, payload);
  text += R"(,"tenant_id":)";
  append_tenant(text, tenant_id);
  text += '}';
  return sha256({bytes_of(fingerprint_label), bytes_of(text)});
}

}  // namespace openexec
