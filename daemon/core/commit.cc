// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/commit.h"

#include <fmt/format.h>

#include "daemon/core/approval_check.h"
#include "daemon/core/big_endian.h"
#include "daemon/core/claims.h"
#include "daemon/core/receipt_log.h"
#include "proto-json/canonical.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"

namespace openexec {
namespace {

constexpr std::string_view clock_floor_key = "clock_floor";

// One transaction being filled.
class Batch {
 public:
  Batch(WriteTxn txn, const CommitRules& rules, UtcTime now, const Store& store)
      : txn_(std::move(txn)), rules_(rules), now_(now), store_(store) {}

  StoreResult<void> begin();
  StoreResult<OpResult> apply(const Op& op);
  StoreResult<void> commit();

 private:
  StoreResult<OpResult> claim(const Claim& op);
  StoreResult<OpResult> outcome(const Outcome& op);
  StoreResult<OpResult> denial(const Attempt& attempt, Error error);

  // How full the store will be with this much more, in percent. What a batch adds counts before it is committed, so
  // that what has no room is refused alone: a map that fills up in mid-transaction would fail its neighbours too.
  [[nodiscard]] std::size_t percent_with(std::size_t room_bytes) const {
    return (store_.used_bytes() + added_bytes_ + room_bytes) * 100 / store_.map_size_bytes();
  }
  // What stands against claiming anything now; nothing when all is well.
  [[nodiscard]] std::optional<Error> store_objection(std::size_t room_bytes) const;
  // What stands against this claim, whose nonce is free.
  [[nodiscard]] StoreResult<std::optional<Error>> objection(const Claim& op) const;
  StoreResult<Recorded> finish(const Attempt& attempt, ClaimRecord record, const RunResult& run,
                               std::optional<std::uint64_t> started);

  WriteTxn txn_;
  const CommitRules& rules_;
  const UtcTime now_;
  const Store& store_;
  std::size_t added_bytes_ = 0;  // at most, by this batch
  UtcTime clock_floor_;
};

StoreResult<void> Batch::begin() {
  const auto floor = txn_.get(Table::meta, clock_floor_key);
  if (!floor) {
    return std::unexpected(floor.error());
  }
  if (*floor) {
    const auto us = from_big_endian<std::uint64_t>(**floor);
    const auto time = us ? stored_time(*us) : std::nullopt;
    if (!time) {
      return damaged("its clock floor cannot be read");
    }
    clock_floor_ = *time;
  }
  return {};
}

StoreResult<OpResult> Batch::apply(const Op& op) {
  if (const auto* claimed = std::get_if<Claim>(&op)) {
    return claim(*claimed);
  }
  if (const auto* ended = std::get_if<Outcome>(&op)) {
    return outcome(*ended);
  }
  const auto& denied = std::get<Denial>(op);
  return denial(*denied.attempt, {denied.reason, {}});
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
    const auto used = approval_is_used(txn_, op.approval->key);
    if (!used) {
      return std::unexpected(used.error());
    }
    if (*used) {
      return approval_used_error();
    }
  }
  const auto same_id = latest_entry_of(txn_, op.attempt->id);
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
      return denial(attempt, nonce_reused_error());
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
    return denial(attempt, std::move(**error));
  }

  added_bytes_ += room_bytes;
  const std::string key(text_of(attempt.claim_key.view()));
  if (op.approval) {
    if (auto done = txn_.put(Table::approvals, text_of(op.approval->key.view()), key); !done) {
      return std::unexpected(done.error());
    }
  }
  ClaimRecord record{ClaimState::running, attempt.id, attempt.fingerprint, 0, 0};
  if (op.finished) {
    const auto recorded = finish(attempt, record, *op.finished, std::nullopt);
    if (!recorded) {
      return std::unexpected(recorded.error());
    }
    return *recorded;
  }
  const auto index = append_receipt(txn_, receipt_of(attempt, ReceiptKind::started, now_));
  if (!index) {
    return std::unexpected(index.error());
  }
  record.first_index = record.index = *index;
  auto done = txn_.put(Table::claims, key, encode(record));
  if (done) {
    done = txn_.put(Table::open, key, to_big_endian(*index));
  }
  if (!done) {
    return std::unexpected(done.error());
  }
  return Claimed{*index};
}

StoreResult<OpResult> Batch::outcome(const Outcome& op) {
  const Attempt& attempt = *op.attempt;
  const auto record = find_claim(txn_, attempt.claim_key);
  if (!record) {
    return std::unexpected(record.error());
  }
  if (!*record || (*record)->state != ClaimState::running || (*record)->fingerprint != attempt.fingerprint) {
    return NotTaken{{Reason::outcome_unknown, "The claim of this run is no longer open"}};
  }
  added_bytes_ += limits::claim_room_bytes + op.run->result.size();  // never refused: the last tenth is kept for it
  const auto recorded = finish(attempt, **record, *op.run, (*record)->first_index);
  if (!recorded) {
    return std::unexpected(recorded.error());
  }
  if (auto done = txn_.erase(Table::open, text_of(attempt.claim_key.view())); !done) {
    return std::unexpected(done.error());
  }
  return *recorded;
}

StoreResult<Recorded> Batch::finish(const Attempt& attempt, ClaimRecord record, const RunResult& run,
                                    std::optional<std::uint64_t> started) {
  Receipt receipt = receipt_of(attempt, run.status, now_);
  receipt.result_hash = sha256(run.result);
  receipt.receipt = seed_receipt(to_uuid_text(attempt.id), run.result);
  receipt.duration_us = run.duration_us;
  if (started) {
    receipt.started = static_cast<std::int64_t>(*started);
  }
  const auto index = append_receipt(txn_, receipt);
  if (!index) {
    return std::unexpected(index.error());
  }
  record.state = ClaimState::finished;
  record.index = *index;
  record.first_index = started.value_or(*index);

  const std::string key(text_of(attempt.claim_key.view()));
  const std::string presented = attempt.presented ? to_compact(*attempt.presented) : std::string();
  auto done = txn_.put(Table::claims, key, encode(record));
  if (done) {
    done = txn_.put(Table::results, key, encode_result({run, now_, *index}, presented));
  }
  if (!done) {
    return std::unexpected(done.error());
  }
  return Recorded{*index, now_};
}

StoreResult<OpResult> Batch::denial(const Attempt& attempt, Error error) {
  if (percent_with(limits::denial_room_bytes) >= rules_.warn_percent) {
    return Denied{std::move(error), std::nullopt};  // what is left is for claims and outcomes
  }
  added_bytes_ += limits::denial_room_bytes;
  Receipt receipt = receipt_of(attempt, ReceiptKind::denied, now_);
  receipt.reason = error.reason;
  const auto index = append_receipt(txn_, receipt);
  if (!index) {
    return std::unexpected(index.error());
  }
  return Denied{std::move(error), *index};
}

StoreResult<void> Batch::commit() {
  if (now_ >= plus_s(clock_floor_, limits::clock_floor_step_s)) {
    auto done = txn_.put(Table::meta, clock_floor_key, to_big_endian(static_cast<std::uint64_t>(now_.us)));
    if (!done) {
      return done;
    }
  }
  return txn_.commit();
}

}  // namespace

StoreResult<std::vector<OpResult>> commit_ops(Store& store, const CommitRules& rules, UtcTime now,
                                              std::span<const Op> ops) {
  auto txn = store.write();
  if (!txn) {
    return std::unexpected(txn.error());
  }
  Batch batch(std::move(*txn), rules, now, store);
  if (auto begun = batch.begin(); !begun) {
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
  if (auto committed = batch.commit(); !committed) {
    return std::unexpected(committed.error());
  }
  return results;
}

}  // namespace openexec
