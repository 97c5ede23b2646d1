// SPDX-License-Identifier: Apache-2.0
// Claims: which nonce was used for what, what came of it, and which approval it used up. Fixed binary records,
// big-endian (docs/formats.md, "Store").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/core/op.h"
#include "daemon/core/store.h"

namespace openexec {

// claims: claim key → this, 65 bytes.
struct ClaimRecord {
  ClaimState state = ClaimState::running;
  ExecutionId id;
  Hash fingerprint;
  std::uint64_t first_index = 0;  // its first entry
  std::uint64_t index = 0;        // its latest entry
};
inline constexpr std::size_t claim_record_bytes = 1 + 16 + 32 + 8 + 8;

// A time that a record holds; nothing when it is none that to_text() can write.
std::optional<UtcTime> stored_time(std::uint64_t us);

std::string encode(const ClaimRecord& record);
StoreResult<ClaimRecord> decode_claim(std::string_view bytes);

// results: claim key → status, time, duration, entry index, result text, the approval as presented (compact).
std::string encode_result(const StoredOutcome& outcome, std::string_view presented_approval);
StoreResult<StoredOutcome> decode_result(std::string_view bytes);

StoreResult<std::optional<ClaimRecord>> find_claim(const ReadTxn& txn, const ClaimKey& key);
// The claim as a request sees it; loads the outcome when the fingerprints agree.
StoreResult<std::optional<KnownClaim>> known_claim(const ReadTxn& txn, const ClaimKey& key, const Hash& fingerprint);
StoreResult<bool> approval_is_used(const ReadTxn& txn, const ApprovalKey& key);

}  // namespace openexec
