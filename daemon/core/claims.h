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

// claims: claim key → this and a check, 73 bytes. The check is the first 8 bytes of SHA-256(key ‖ record): entries tell
// everything else of a claim, but nothing tells its fingerprint, and a flipped bit there must not go unnoticed.
struct ClaimRecord {
  ClaimState state = ClaimState::running;
  ExecutionId id;
  Hash fingerprint;
  std::uint64_t first_index = 0;  // its first entry
  std::uint64_t index = 0;        // its latest entry
};
inline constexpr std::size_t claim_check_bytes = 8;
inline constexpr std::size_t claim_record_bytes = 1 + 16 + 32 + 8 + 8 + claim_check_bytes;

// A time that a record holds; nothing when it is none that to_text() can write.
std::optional<UtcTime> stored_time(std::uint64_t us);

std::string encode(const ClaimKey& key, const ClaimRecord& record);
StoreResult<ClaimRecord> decode_claim(const ClaimKey& key, std::string_view bytes);

// results: claim key → status, time, duration, entry index, result text.
std::string encode_result(const StoredOutcome& outcome);
StoreResult<StoredOutcome> decode_result(std::string_view bytes);
// The same without a copy.
struct ResultRecord {
  ReceiptKind status = ReceiptKind::executed;
  UtcTime at;
  std::int64_t duration_us = 0;
  std::uint64_t index = 0;
  std::string_view result;  // into the bytes
};
StoreResult<ResultRecord> view_result(std::string_view bytes);

StoreResult<std::optional<ClaimRecord>> find_claim(const ReadTxn& txn, const ClaimKey& key);
// The claim as a request sees it; loads the outcome when the fingerprints agree.
StoreResult<std::optional<KnownClaim>> known_claim(const ReadTxn& txn, const ClaimKey& key, const Hash& fingerprint);

// approvals: approval key → claim key, the approval as presented (compact).
struct UsedApproval {
  ClaimKey claim;              // that used it up
  std::string_view presented;  // into the map
};
StoreResult<UsedApproval> decode_approval(std::string_view bytes);
StoreResult<std::optional<UsedApproval>> used_approval(const ReadTxn& txn, const ApprovalKey& key);
StoreResult<void> use_approval(WriteTxn& txn, const ApprovalKey& key, const ClaimKey& claim,
                               std::string_view presented);

// Approvals issued before this are refused: the store was put back to an older copy since, and cannot know whether they
// were used. Nothing for a store that never was.
StoreResult<std::optional<UtcTime>> approvals_floor(const ReadTxn& txn);
StoreResult<void> put_approvals_floor(WriteTxn& txn, UtcTime floor);

// What the store has against using this approval now: its one use was had, or it is older than approvals_floor().
StoreResult<std::optional<Error>> approval_objection(const ReadTxn& txn, const ApprovalUse& approval);

// A time kept in `meta`; nothing when there is none.
StoreResult<std::optional<UtcTime>> time_in_meta(const ReadTxn& txn, std::string_view key);

}  // namespace openexec
