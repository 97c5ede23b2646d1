// SPDX-License-Identifier: Apache-2.0
// The ClawShield v1 approval artifact (docs/formats.md, "ClawShield v1 approval").
//
// Six string members: approval_id, tenant_id, action_hash, issued_at, expires_at, signature; others are ignored.
// The signature is Ed25519 over the UTF-8 concatenation of the first five, standard base64. The concatenation has no
// delimiters: it is unambiguous only because approval_id is 36 characters of UUID, action_hash is 64 lower-case hex
// digits and both times match the one pattern of utc_time.h in full.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto-json/bytes.h"
#include "proto-json/crypto.h"
#include "proto-json/error.h"
#include "proto-json/json.h"
#include "proto-json/limits.h"
#include "proto-json/utc_time.h"

namespace openexec {

// A well-formed artifact. Nothing about it is proven until its signature is checked over signed_message().
struct ClawshieldApproval {
  std::string approval_id;
  std::string tenant_id;
  std::string action_hash;
  std::string issued_at;   // the text that was signed
  std::string expires_at;  // the text that was signed
  UtcTime issued;
  UtcTime expires;
  std::optional<Signature> signature;  // nothing: not the canonical base64 of 64 bytes, so it cannot verify

  [[nodiscard]] std::string signed_message() const;
};

// Reads an artifact; every failure is `approval_malformed` and names the member. A lifetime over `lifetime_s_max`, or
// an expiry that is not after the issue, is malformed too.
Result<ClawshieldApproval> read_clawshield_approval(const Json& artifact,
                                                    std::int64_t lifetime_s_max = limits::approval_lifetime_s_max);

// The object of those of the six members that are there, whatever their type: "the approval as presented".
Json presented_approval(Json artifact);
// SHA-256 of its compact form: how receipts name an approval.
Hash presented_approval_hash(const Json& presented);

struct ApprovalTerms {
  std::string approval_id;  // UUID text
  std::string tenant_id;
  std::string action;
  Json payload;  // an object
  UtcTime issued_at;
  UtcTime expires_at;
};

// Signs an artifact for exactly this request: the approver's side. Times are written to the microsecond.
// Errors are approval_malformed, for terms that no daemon would accept.
Result<Json> mint_clawshield_approval(const ApprovalTerms& terms, const SecretKey& key);

}  // namespace openexec
