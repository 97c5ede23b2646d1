// SPDX-License-Identifier: Apache-2.0
// What identifies a request: its action hash, its deterministic execution id, its claim key and its fingerprint
// (docs/formats.md, "Identity of an execution").
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto-json/bytes.h"
#include "proto-json/json.h"

namespace openexec {

// compact{action, payload}: what an approver signs the hash of. `payload` is an object.
std::string canonical_request(std::string_view action, const Json& payload);

// A request's parts in compact form, each encoded once for all that is hashed of them.
struct EncodedRequest {
  std::string action;
  std::string nonce;
  std::string payload;
  std::string tenant_id;  // null without one (demo mode)
  std::string approval;   // as presented; null without one
};
// `payload` is an object; `approval` as presented, nullptr for none.
EncodedRequest encode(std::string_view action, std::string_view nonce, const Json& payload,
                      const std::optional<std::string>& tenant_id, const Json* approval);

std::string canonical_request(const EncodedRequest& request);

// UUIDv8 of the first 16 bytes of SHA-256("openexec/id/v1" ‖ 00 ‖ compact{action, nonce, payload, tenant_id}).
// No tenant (demo mode) is null.
ExecutionId execution_id(const EncodedRequest& request);

// SHA-256(tenant ‖ 00 ‖ nonce), an absent tenant being empty; names bar U+0000, so the split is certain.
ClaimKey claim_key(const std::optional<std::string>& tenant_id, std::string_view nonce);
// SHA-256(tenant ‖ 00 ‖ approval id in lower case): case does not make another approval of one UUID.
ApprovalKey approval_key(std::string_view tenant_id, std::string_view approval_id);

// SHA-256("openexec/fingerprint/v1" ‖ 00 ‖ compact{action, approval, mode, payload, tenant_id}): the same request, or
// not. `approval` is the approval as presented, null in demo mode.
Hash request_fingerprint(std::string_view mode, const EncodedRequest& request);

}  // namespace openexec
