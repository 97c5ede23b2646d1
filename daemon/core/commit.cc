// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/commit.h"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/core/approval_check.h"
#include "daemon/core/big_endian.h"
#include "daemon/core/claims.h"
#include "daemon/core/meta_keys.h"
#include "daemon/core/receipt_log.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"

namespace openexec {
namespace {

// One transaction being filled.
class Batch {
 public:
  Batch(WriteTxn txn, const CommitRules& rules, UtcTime now, Store& store)
      : txn_(std::move(txn)), rules_(rules), now_(now), store_(store) {}
  Batch(const Batch&) = delete;  // the log writer holds on to the transaction
  Batch& operator=(const Batch&) = delete;

  StoreResult<void> begin(const NoteSigner& signer);
  StoreResult<OpResult> apply(const Op& op);
  StoreResult<Committed> commit();

 private:
  StoreResult<OpResult> claim(const Claim& op);
  StoreResult<OpResult> outcome(const Outcome& op);
  StoreResult<OpResult> denial(const Attempt& attempt, Error error, bool enter);
  StoreResult<OpResult> summary(const Summary& op);
  StoreResult<OpResult> cosigning(const Cosigning& op);

  // How full the store will be with this much more, in percent. What a batch adds counts before it is committed, so
  // that what has no room is refused alone: a map that fills up in mid-transaction would fail its neighbours too.
  [[nodiscard]] std::size_t percent_with(std::size_t room_bytes) const {
    return (store_.used_bytes() + added_bytes_ + room_bytes) * 100 / store_.map_size_bytes();
  }
  // What stands against claiming anything now; nothing when all is well.
  [[nodiscard]] std::optional<Error> store_objection(std::size_t room_bytes) const;
  // What stands against this claim, whose nonce is free.
  [[nodiscard]] StoreResult<std::optional<Error>> objection(const Claim& op) const;
  // The receipt of an outcome and its result are written; the claim is the caller's.
  StoreResult<Recorded> finish(const Attempt& attempt, const RunResult& run, std::optional<std::uint64_t> started);

  WriteTxn txn_;
  std::optional<LogWriter> log_;  // from begin() on
  const CommitRules& rules_;
  const UtcTime now_;
  Store& store_;
  std::size_t added_bytes_ = 0;  // at most, by this batch
  UtcTime clock_floor_;
};

StoreResult<void> Batch::begin(const NoteSigner& signer) {
  const auto floor = time_in_meta(txn_, meta::clock_floor);
  auto log = floor ? LogWriter::open(txn_, signer) : std::unexpected(floor.error());
  if (!log) {
    return std::unexpected(log.error());
  }
  clock_floor_ = floor->value_or(UtcTime{});
  log_ = *std::move(log);
  return {};
}

StoreResult<OpResult> Batch::apply(const Op& op) {
  if (const auto* claimed = std::get_if<Claim>(&op)) {
    return claim(*claimed);
  }
  if (const auto* ended = std::get_if<Outcome>(&op)) {
    return outcome(*ended);
  }
  if (const auto* denied = std::get_if<Denial>(&op)) {
    return denial(*denied->attempt, {denied->reason, {}}, true);
  }
  if (const auto* closed = std::get_if<Summary>(&op)) {
    return summary(*closed);
  }
  return cosigning(std::get<Cosigning>(op));
}

std::optional<Error> Batch::store_objection(std::size_t room_bytes) const {
  if (percent_with(room_bytes) >= rules_.full_percent) {
    return Error{
        Reason::store_unavailable,
        fmt::format("The store would be {} % full, and past {} % nothing new is claimed: raise [store] map_size and "
                    "restart",
                    percent_with(room_bytes), rules_.full_percent)};
  }
  if (plus_s(now_, rules_.clock_skew_s) < clock_floor_) {
    return Error{Reason::store_unavailable,
                 fmt::format("This host's clock says {}, but the store has seen {}: set the clock", to_text(now_),
                             to_text(clock_floor_))};
  }
  return std::nullopt;
}

StoreResult<std::optional<Error>> Batch::objection(const Claim& op) const {
  if (op.approval) {
    if (auto invalid = check_validity(op.approval->issued, op.approval->expires, now_, rules_.clock_skew_s)) {
      return invalid;
    }
    auto objection = approval_objection(txn_, *op.approval);
    if (!objection || *objection) {
      return objection;
    }
  }
  const auto same_id = find_claim(txn_, op.attempt->id);
  if (!same_id) {
    return std::unexpected(same_id.error());
  }
  if (*same_id) {
    // 122 bits that a caller can aim: never by chance, and nothing may be found under an id that is not its own.
    return Error{Reason::nonce_reused,
                 "This request has the id of another execution: nothing was run. Use a new nonce"};
  }
  return std::nullopt;
}

StoreResult<OpResult> Batch::claim(const Claim& op) {
  const Attempt& attempt = *op.attempt;
  auto known = known_claim(txn_, attempt.claim_key, attempt.fingerprint);
  if (!known) {
    return std::unexpected(known.error());
  }
  if (*known) {
    if (!(*known)->same_request) {
      return denial(attempt, nonce_reused_error(), op.enter_denial);
    }
    return AlreadyClaimed{std::move(**known)};
  }
  const std::size_t room_bytes = limits::claim_room_bytes + (op.finished ? op.finished->result.size() : 0);
  if (auto error = store_objection(room_bytes)) {
    return NotTaken{std::move(*error)};
  }
  auto error = objection(op);
  if (!error) {
    return std::unexpected(error.error());
  }
  if (*error) {
    return denial(attempt, std::move(**error), op.enter_denial);
  }

  added_bytes_ += room_bytes;
  const std::uint64_t index = log_->next_index();
  const ClaimRecord record{index,
                           op.finished ? ClaimState::finished : ClaimState::running,
                           attempt.claim_key,
                           op.approval ? std::optional(op.approval->key) : std::nullopt,
                           attempt.id,
                           attempt.fingerprint,
                           index};
  auto done = add_claim(txn_, record);
  if (op.approval) {
    done = done ? put_presented(txn_, index, attempt.presented_text) : done;
  }
  if (!op.finished) {
    done = done ? txn_.put(Table::open, text_of(attempt.claim_key.view()), to_big_endian(index)) : done;
  }
  if (!done) {
    return std::unexpected(done.error());
  }
  if (op.finished) {
    const auto recorded = finish(attempt, *op.finished, std::nullopt);
    return recorded ? StoreResult<OpResult>(*recorded) : std::unexpected(recorded.error());
  }
  const auto started = log_->append(receipt_of(attempt, ReceiptKind::started, now_));
  return started ? StoreResult<OpResult>(Claimed{*started}) : std::unexpected(started.error());
}

StoreResult<OpResult> Batch::outcome(const Outcome& op) {
  const Attempt& attempt = *op.attempt;
  auto record = find_claim(txn_, attempt.claim_key);
  if (!record) {
    return std::unexpected(record.error());
  }
  if (!*record || (*record)->state != ClaimState::running || (*record)->fingerprint != attempt.fingerprint) {
    return NotTaken{{Reason::outcome_unknown, "The claim of this run is no longer open"}};
  }
  added_bytes_ += limits::claim_room_bytes + op.run->result.size();  // never refused: the last tenth is kept for it
  const auto recorded = finish(attempt, *op.run, (*record)->first_index);
  if (!recorded) {
    return std::unexpected(recorded.error());
  }
  (*record)->state = ClaimState::finished;
  (*record)->index = recorded->index;
  auto done = change_claim(txn_, **record);
  done = done ? txn_.erase(Table::open, text_of(attempt.claim_key.view())) : done;
  if (!done) {
    return std::unexpected(done.error());
  }
  return *recorded;
}

StoreResult<Recorded> Batch::finish(const Attempt& attempt, const RunResult& run,
                                    std::optional<std::uint64_t> started) {
  Receipt receipt = receipt_of(attempt, run.status, now_);
  receipt.result_hash = sha256(run.result);
  receipt.receipt = seed_receipt(to_uuid_text(attempt.id), run.result);
  receipt.duration_us = run.duration_us;
  receipt.exit = run.exit;
  if (started) {
    receipt.started = static_cast<std::int64_t>(*started);
  }
  const Hash seed = *receipt.receipt;
  const auto index = log_->append(std::move(receipt));
  if (!index) {
    return std::unexpected(index.error());
  }
  if (auto done = put_result(txn_, *index, now_, seed, run); !done) {
    return std::unexpected(done.error());
  }
  return Recorded{*index, now_, seed};
}

StoreResult<OpResult> Batch::denial(const Attempt& attempt, Error error, bool enter) {
  if (!enter || percent_with(limits::denial_room_bytes) >= rules_.warn_percent) {
    return Denied{std::move(error), std::nullopt};  // what is left is for claims and outcomes
  }
  added_bytes_ += limits::denial_room_bytes;
  Receipt receipt = receipt_of(attempt, ReceiptKind::denied, now_);
  receipt.reason = error.reason;
  const auto index = log_->append(std::move(receipt));
  if (!index) {
    return std::unexpected(index.error());
  }
  return Denied{std::move(error), *index};
}

StoreResult<OpResult> Batch::summary(const Summary& op) {
  // One a window: it may use the room that is kept from denials, but not what is kept for outcomes.
  if (percent_with(limits::summary_room_bytes) >= rules_.full_percent) {
    return NotTaken{{Reason::store_unavailable, "The store has no room for a summary"}};
  }
  added_bytes_ += limits::summary_room_bytes;
  const StoreOptions& options = store_.options();
  const auto index =
      log_->append(DeniedSummary{now_, op.since, options.tenant_id, options.mode, rules_.registry, op.rows});
  if (!index) {
    return std::unexpected(index.error());
  }
  return Recorded{*index, now_, {}};
}

StoreResult<OpResult> Batch::cosigning(const Cosigning& op) {
  const auto kept = cosigned_checkpoint(txn_);
  if (!kept) {
    return std::unexpected(kept.error());
  }
  const auto before = *kept ? read_note(**kept) : std::unexpected(std::string());
  const auto checkpoint = before ? read_checkpoint_text(before->text) : std::unexpected(std::string());
  if (checkpoint && checkpoint->size > op.size) {
    return Kept{};
  }
  Note note = op.note;
  if (checkpoint && before->text == note.text) {  // what other witnesses said of the same checkpoint stays
    for (const NoteSignature& signature : before->signatures) {
      const auto same_key = [&](const NoteSignature& each) {
        return each.name == signature.name && each.key_id == signature.key_id;
      };
      if (std::ranges::none_of(note.signatures, same_key)) {
        note.signatures.push_back(signature);
      }
    }
  }
  if (auto done = put_cosigned(txn_, to_text(note)); !done) {
    return std::unexpected(done.error());
  }
  return Kept{};
}

StoreResult<Committed> Batch::commit() {
  Committed committed;
  if (log_->grew()) {
    auto sealed = log_->seal();
    if (!sealed) {
      return std::unexpected(sealed.error());
    }
    committed.log = *std::move(sealed);
  }
  if (now_ >= plus_s(clock_floor_, limits::clock_floor_step_s)) {
    auto done = txn_.put(Table::meta, meta::clock_floor, to_big_endian(static_cast<std::uint64_t>(now_.us)));
    if (!done) {
      return std::unexpected(done.error());
    }
    store_.drop_dead_readers();  // as often as the floor moves
  }
  std::vector<ClaimKeys> added = txn_.take_keys();
  // What is nearly full keeps its room for outcomes, and what changed nothing writes nothing.
  const bool may_merge = log_->grew() && percent_with(0) < rules_.full_percent;
  const auto slice = may_merge ? store_.keys().next_slice(added.size()) : KeyMerger::Slice{};
  const auto merged = merge_keys(txn_, slice);
  const auto stored = merged ? txn_.count(Table::claims) : std::unexpected(merged.error());
  const auto done = stored ? txn_.commit() : std::unexpected(stored.error());
  if (!done) {
    return std::unexpected(done.error());
  }
  committed.keys = store_.keys().committed(slice, std::move(added), *stored);
  return committed;
}

}  // namespace

StoreResult<Committed> commit_ops(Store& store, const NoteSigner& signer, const CommitRules& rules, UtcTime now,
                                  std::span<const Op> ops) {
  auto txn = store.write();
  if (!txn) {
    return std::unexpected(txn.error());
  }
  Batch batch(std::move(*txn), rules, now, store);
  if (auto begun = batch.begin(signer); !begun) {
    return std::unexpected(begun.error());
  }
  std::vector<OpResult> results;
  results.reserve(ops.size());
  for (const Op& op : ops) {
    auto result = batch.apply(op);
    if (!result) {
      return std::unexpected(result.error());
    }
    results.push_back(std::move(*result));
  }
  auto committed = batch.commit();
  if (committed) {
    committed->results = std::move(results);
  }
  return committed;
}

}  // namespace openexec
