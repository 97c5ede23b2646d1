// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/attempt.h"

#include "proto-json/crypto.h"
#include "proto-json/execution_id.h"

namespace openexec {
namespace {

// Of whom a request speaks: in demo mode nobody, else the configured tenant, or with "*" the one its approval names.
std::optional<std::string> tenant_of(const Policy& policy, const std::optional<Json>& presented) {
  if (!policy.any_tenant()) {
    return policy.tenant_id;
  }
  const std::string* named = presented ? presented->find_string("tenant_id") : nullptr;
  return named != nullptr && is_tenant_id(*named) ? std::optional(*named) : std::nullopt;
}

}  // namespace

Attempt make_attempt(const Policy& policy, const Hash& registry, const Peer& peer, ExecuteRequest request) {
  Attempt attempt;
  attempt.mode = policy.mode;
  if (policy.mode == Mode::clawshield && request.approval_artifact) {
    attempt.presented = presented_approval(*std::move(request.approval_artifact));
  }
  attempt.tenant_id = tenant_of(policy, attempt.presented);
  EncodedRequest encoded = encode(request.action, request.nonce, request.payload, attempt.tenant_id,
                                  attempt.presented ? &*attempt.presented : nullptr);
  attempt.canonical = canonical_request(encoded);
  attempt.action_hash = sha256(attempt.canonical);
  attempt.id = execution_id(encoded);
  attempt.claim_key = claim_key(attempt.tenant_id, request.nonce);
  attempt.fingerprint = request_fingerprint(to_text(policy.mode), encoded);
  if (attempt.presented) {
    attempt.presented_text = std::move(encoded.approval);
    attempt.approval =
        ReceiptApproval{sha256(attempt.presented_text), std::nullopt, {}, {}};  // presented_approval_hash()
  }
  attempt.action = std::move(request.action);
  attempt.payload = std::move(request.payload);
  attempt.nonce = std::move(request.nonce);
  attempt.trace_id = std::move(request.trace_id);
  attempt.peer = peer;
  attempt.registry = registry;
  return attempt;
}

Receipt receipt_of(const Attempt& attempt, ReceiptKind kind, UtcTime at) {
  Receipt receipt;
  receipt.kind = kind;
  receipt.at = at;
  receipt.tenant_id = attempt.tenant_id;
  receipt.mode = attempt.mode;
  receipt.id = attempt.id;
  receipt.action = attempt.action;
  receipt.action_hash = attempt.action_hash;
  receipt.nonce = attempt.nonce;
  receipt.approval = attempt.approval;
  receipt.registry = attempt.registry;
  receipt.peer = attempt.peer;
  receipt.trace_id = attempt.trace_id;
  return receipt;
}

}  // namespace openexec
