// SPDX-License-Identifier: Apache-2.0
// What the log can show: receipts, proofs, checkpoints (docs/protocol.md, "The log"). Everything is read in one short
// transaction, so that a proof and its checkpoint belong together.
#pragma once

#include <string>

#include "daemon/core/op.h"
#include "daemon/core/policy.h"
#include "daemon/core/store.h"
#include "proto-json/json.h"
#include "proto-json/message.h"

namespace openexec {

// receipts/get: {"receipt", "log", "proof"}. Somebody else's receipt is as good as not there.
Result<Json> find_receipt(const ReadTxn& txn, const Policy& policy, const Caller& caller, const ReceiptQuery& query);

// The tlog-proof of an entry that the log has: by the latest cosigned checkpoint when that covers it, else by the
// latest.
Result<std::string> proof_of(const ReadTxn& txn, std::uint64_t index);
// The same for a caller: an error when the entry is somebody else's.
Result<std::string> proof_for(const ReadTxn& txn, const Policy& policy, const Caller& caller, std::uint64_t index);

// log/checkpoint: {"checkpoint", "cosigned"?}
Result<Json> show_checkpoint(const ReadTxn& txn);
// log/entries: {"start", "entries", "size"}; null in the place of an entry that this caller may not read.
Result<Json> list_entries(const ReadTxn& txn, const Policy& policy, const Caller& caller, const EntriesQuery& query);
// log/inclusion, log/consistency: {"hashes", "size"}
Result<Json> show_inclusion(const ReadTxn& txn, const InclusionQuery& query);
Result<Json> show_consistency(const ReadTxn& txn, const ConsistencyQuery& query);

// log/cosigned: what is worth keeping of a witness's answer. An error when the checkpoint is not of this log, or when
// no cosignature is by a witness of the policy.
struct AcceptedCosigning {
  Cosigning cosigning;
  std::vector<std::string> witnesses;  // names
};
Result<AcceptedCosigning> accept_cosigned(const ReadTxn& txn, const Policy& policy, const CosignedQuery& query);

// For `health`: {"origin", "size", "vkey", "witnesses", "cosigned"?: {"size", "at"}}
Result<Json> describe_log(const ReadTxn& txn, const Policy& policy);

}  // namespace openexec
