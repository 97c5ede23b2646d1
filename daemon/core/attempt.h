// SPDX-License-Identifier: Apache-2.0
// An attempt: one execute request with everything derived from it that receipts and claims are made of.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "daemon/core/policy.h"
#include "proto-json/approval.h"
#include "proto-json/bytes.h"
#include "proto-json/message.h"
#include "proto-json/receipt.h"

namespace openexec {

struct Attempt {
  Mode mode = Mode::demo;
  std::optional<std::string> tenant_id;
  std::string action;
  Json payload;
  std::string nonce;
  std::optional<std::string> trace_id;
  Peer peer;
  Hash registry;

  std::string canonical;  // compact{action, payload}
  Hash action_hash;       // SHA-256 of it
  ExecutionId id;
  ClaimKey claim_key;
  Hash fingerprint;
  std::optional<Json> presented;            // the approval as presented; nothing in demo mode or when absent
  std::string presented_text;               // its compact form; empty without one
  std::optional<ReceiptApproval> approval;  // by hash only until it verified
};

Attempt make_attempt(const Policy& policy, const Hash& registry, const Peer& peer, ExecuteRequest request);

// The receipt of that attempt, with the members every kind has.
Receipt receipt_of(const Attempt& attempt, ReceiptKind kind, UtcTime at);

}  // namespace openexec
