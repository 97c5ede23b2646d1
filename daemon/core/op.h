// SPDX-License-Identifier: Apache-2.0
// Operations: what the engine asks to be made durable. Each is checked again inside its transaction, so that
// correctness never rests on what was read a moment ago.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "daemon/core/attempt.h"
#include "daemon/core/registry.h"
#include "proto-json/bytes.h"
#include "proto-json/error.h"
#include "proto-json/note.h"
#include "proto-json/receipt.h"
#include "proto-json/utc_time.h"

namespace openexec {

// Uses up an approval together with the claim.
struct ApprovalUse {
  ApprovalKey key;
  UtcTime issued;
  UtcTime expires;
};

// Claims a nonce (and its approval). `finished` is set for a pure action: its outcome is recorded
// in the same operation.
struct Claim {
  std::shared_ptr<const Attempt> attempt;
  std::optional<ApprovalUse> approval;
  std::shared_ptr<const RunResult> finished;
  bool enter_denial = true;  // false: if it is denied, that gets no entry
};

// Records what a claimed run came to.
struct Outcome {
  std::shared_ptr<const Attempt> attempt;
  std::shared_ptr<const RunResult> run;
};

// Records an attempt that was refused.
struct Denial {
  std::shared_ptr<const Attempt> attempt;
  Reason reason;
};

// Records what a window of time had that got no entry of its own.
struct Summary {
  std::vector<DeniedSummary::Row> rows;
  UtcTime since;
};

// Keeps a checkpoint that witnesses cosigned, unless a later one is kept already.
struct Cosigning {
  std::uint64_t size = 0;
  Note note;
};

using Op = std::variant<Claim, Outcome, Denial, Summary, Cosigning>;

// --- what came of each ---

struct StoredOutcome {
  RunResult run;
  UtcTime at;
  std::uint64_t index = 0;  // of the outcome's entry
  Hash receipt;             // the seed's
};

enum class ClaimState : std::uint8_t { running = 1, finished = 2, unknown = 3 };

// A nonce that was claimed before, as the store has it.
struct KnownClaim {
  bool same_request = false;  // the fingerprints agree
  ClaimState state = ClaimState::running;
  std::uint64_t index = 0;               // of its latest entry
  std::optional<StoredOutcome> outcome;  // finished, and the same request
};

struct Claimed {  // durable: the effect may begin
  std::uint64_t started_index = 0;
};
struct Kept {};    // a cosigned checkpoint is durable
struct Recorded {  // an outcome or a summary is durable; also for a claim that came finished
  std::uint64_t index = 0;
  UtcTime at;
  Hash receipt;  // the seed's, of an outcome
};
struct AlreadyClaimed {  // the same request was claimed before; nothing was written
  KnownClaim claim;
};
struct Denied {  // the attempt was refused
  Error error;
  std::optional<std::uint64_t> index;  // of its entry; nothing when it was only counted
};
struct NotTaken {  // nothing was written, and it may work later: `store_unavailable`
  Error error;
};

using OpResult = std::variant<Claimed, Recorded, AlreadyClaimed, Denied, NotTaken, Kept>;

}  // namespace openexec
