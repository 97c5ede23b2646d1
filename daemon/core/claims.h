// SPDX-License-Identifier: Apache-2.0
// Claims: which nonce was used for what, what came of it, and which approval it used up. Fixed binary records,
// big-endian (docs/formats.md, "Store").
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/core/op.h"
#include "daemon/core/store.h"

namespace openexec {

// claims: index of the claim's first entry → this and a check, 98 bytes, or 130 with an approval. Keyed by what grows,
// so that a commit only appends, and changes what it wrote not long ago. The check is the first 8 bytes of
// SHA-256(index ‖ record): entries tell everything else of a claim, but nothing tells its fingerprint, and a flipped
// bit there must not go unnoticed.
struct ClaimRecord {
  std::uint64_t first_index = 0;  // of its first entry
  ClaimState state = ClaimState::running;
  ClaimKey key;
  std::optional<ApprovalKey> approval;  // that it used up
  ExecutionId id;
  Hash fingerprint;
  std::uint64_t index = 0;  // of its latest entry
};
inline constexpr std::size_t claim_check_bytes = 8;

// A time that a record holds; nothing when it is none that to_text() can write.
std::optional<UtcTime> stored_time(std::uint64_t us);

std::string encode(const ClaimRecord& record);
StoreResult<ClaimRecord> decode_claim(std::uint64_t first_index, std::string_view bytes);
// Of a new claim, past all others; with its keys.
StoreResult<void> add_claim(WriteTxn& txn, const ClaimRecord& record);
// The state or the latest entry changed.
StoreResult<void> change_claim(WriteTxn& txn, const ClaimRecord& record);

// nonces, approvals, executions: claim key, approval key, id → index of the first entry of the claim that has it. Not
// all claims are there: those from key_progress().indexed on may be in memory alone (recent_keys.h). These look in
// both.
StoreResult<std::optional<ClaimRecord>> find_claim(const ReadTxn& txn, const ClaimKey& key);
StoreResult<std::optional<ClaimRecord>> find_claim(const ReadTxn& txn, const ApprovalKey& key);
StoreResult<std::optional<ClaimRecord>> find_claim(const ReadTxn& txn, const ExecutionId& id);
// key_progress in `meta`, 48 bytes, with a check like a claim's: were it wrong, claims would not be found.
std::string encode(const KeyProgress& progress);
StoreResult<KeyProgress> key_progress(const ReadTxn& txn);
// The claims that may be in memory alone, in order.
StoreResult<std::vector<ClaimKeys>> recent_claims(const ReadTxn& txn);
// Puts the keys of that slice into their tables.
StoreResult<void> merge_keys(WriteTxn& txn, const KeyMerger::Slice& slice);

// results: index of the outcome's entry → status, time, duration, the seed's receipt, result text. Keyed by what grows,
// so that a commit only appends.
std::string encode_result(UtcTime at, const Hash& receipt, const RunResult& run);
// `index`: the key.
StoreResult<StoredOutcome> decode_result(std::uint64_t index, std::string_view bytes);
// The same without a copy.
struct ResultRecord {
  ReceiptKind status = ReceiptKind::executed;
  UtcTime at;
  std::int64_t duration_us = 0;
  Hash receipt;
  std::string_view result;  // into the bytes
};
StoreResult<ResultRecord> view_result(std::string_view bytes);
StoreResult<void> put_result(WriteTxn& txn, std::uint64_t index, UtcTime at, const Hash& receipt, const RunResult& run);

// The claim as a request sees it; loads the outcome when the fingerprints agree.
StoreResult<std::optional<KnownClaim>> known_claim(const ReadTxn& txn, const ClaimKey& key, const Hash& fingerprint);

// presented: index of the claim's first entry → the approval as presented (compact). A view into the map.
StoreResult<std::optional<std::string_view>> presented_at(const ReadTxn& txn, std::uint64_t first_index);
StoreResult<void> put_presented(WriteTxn& txn, std::uint64_t first_index, std::string_view presented);

// Approvals issued before this are refused: the store was put back to an older copy since, and cannot know whether they
// were used. Nothing for a store that never was.
StoreResult<std::optional<UtcTime>> approvals_floor(const ReadTxn& txn);
StoreResult<void> put_approvals_floor(WriteTxn& txn, UtcTime floor);

// What the store has against using this approval now: its one use was had, or it is older than approvals_floor().
StoreResult<std::optional<Error>> approval_objection(const ReadTxn& txn, const ApprovalUse& approval);

// A time kept in `meta`; nothing when there is none.
StoreResult<std::optional<UtcTime>> time_in_meta(const ReadTxn& txn, std::string_view key);

}  // namespace openexec
