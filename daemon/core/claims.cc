// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/claims.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "daemon/core/approval_check.h"
#include "daemon/core/big_endian.h"
#include "daemon/core/meta_keys.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"

namespace openexec {
namespace {

// Takes bytes off the front of a record.
class RecordReader {
 public:
  explicit RecordReader(std::string_view bytes) : rest_(bytes) {}

  std::optional<std::string_view> bytes(std::size_t count) {
    if (rest_.size() < count) {
      return std::nullopt;
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  template <typename Unsigned>
  std::optional<Unsigned> number() {
    const auto taken = bytes(sizeof(Unsigned));
    return taken ? from_big_endian<Unsigned>(*taken) : std::nullopt;
  }
  template <typename Fixed>
  std::optional<Fixed> fixed() {
    const auto taken = bytes(Fixed::size_bytes);
    return taken ? Fixed::from(bytes_of(*taken)) : std::nullopt;
  }
  [[nodiscard]] bool at_end() const { return rest_.empty(); }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

std::optional<ClaimState> claim_state(std::uint8_t byte) {
  for (const ClaimState state : {ClaimState::running, ClaimState::finished, ClaimState::unknown}) {
    if (byte == static_cast<std::uint8_t>(state)) {
      return state;
    }
  }
  return std::nullopt;
}

std::string check_of(std::uint64_t first_index, std::string_view record) {
  const std::string index = to_big_endian(first_index);
  const Hash hash = sha256({bytes_of(index), bytes_of(record)});
  return std::string(text_of(hash.view()).substr(0, claim_check_bytes));
}

ClaimKeys keys_of(const ClaimRecord& record) {
  return {record.first_index,
          record.approval.has_value(),
          {key_prefix(record.key.view()), record.approval ? key_prefix(record.approval->view()) : 0,
           key_prefix(record.id.view())}};
}

constexpr Table table_of(KeyKind kind) {
  switch (kind) {
    case KeyKind::claim:
      return Table::nonces;
    case KeyKind::approval:
      return Table::approvals;
    case KeyKind::execution:
      return Table::executions;
  }
  std::unreachable();
}

ByteView key_of(const ClaimRecord& record, KeyKind kind) {
  switch (kind) {
    case KeyKind::claim:
      return record.key.view();
    case KeyKind::approval:
      return record.approval ? record.approval->view() : ByteView();
    case KeyKind::execution:
      return record.id.view();
  }
  std::unreachable();
}

StoreResult<std::optional<ClaimRecord>> claim_at(const ReadTxn& txn, std::uint64_t first_index) {
  const auto bytes = txn.get(Table::claims, to_big_endian(first_index));
  if (!bytes) {
    return std::unexpected(bytes.error());
  }
  if (!*bytes) {
    return std::nullopt;
  }
  auto record = decode_claim(first_index, **bytes);
  if (!record) {
    return std::unexpected(record.error());
  }
  return *record;
}

// In memory first: what is there may be in the table already, and what is in the table is there whole.
StoreResult<std::optional<ClaimRecord>> find_by(const ReadTxn& txn, KeyKind kind, ByteView key) {
  const auto has_key = [&](const ClaimRecord& record) { return std::ranges::equal(key_of(record, kind), key); };
  StoreResult<std::optional<ClaimRecord>> found;
  // A claim of a later commit than this transaction sees has no record in it.
  const auto recent = txn.find_recent(kind, key_prefix(key), [&](std::uint64_t first_index) {
    found = claim_at(txn, first_index);
    return !found || (*found && has_key(**found));
  });
  if (recent) {
    return found;
  }
  const auto bytes = txn.get(table_of(kind), text_of(key));
  if (!bytes) {
    return std::unexpected(bytes.error());
  }
  if (!*bytes) {
    return std::nullopt;
  }
  const auto first_index = from_big_endian<std::uint64_t>(**bytes);
  found = first_index ? claim_at(txn, *first_index) : damaged("a key's entry cannot be read");
  if (found && (!*found || !has_key(**found))) {
    return damaged(fmt::format("the key {} leads to no claim that has it", to_hex(key)));
  }
  return found;
}

// Statuses of a result, by their stored byte.
constexpr std::array<ReceiptKind, 3> stored_statuses = {ReceiptKind::executed, ReceiptKind::failed,
                                                        ReceiptKind::timed_out};

}  // namespace

std::optional<UtcTime> stored_time(std::uint64_t us) {
  static const UtcTime last = from_text("9999-12-31T23:59:59.999999Z").value();
  const UtcTime time{static_cast<std::int64_t>(us)};
  return time >= UtcTime{} && time <= last ? std::optional(time) : std::nullopt;
}

std::string encode(const ClaimRecord& record) {
  constexpr std::size_t bytes_max = 160;
  std::string out;
  out.reserve(bytes_max);
  append_big_endian(out, static_cast<std::uint8_t>(record.state));
  append_big_endian(out, std::uint8_t{record.approval.has_value()});
  out += text_of(record.key.view());
  if (record.approval) {
    out += text_of(record.approval->view());
  }
  out += text_of(record.id.view());
  out += text_of(record.fingerprint.view());
  append_big_endian(out, record.index);
  out += check_of(record.first_index, out);
  return out;
}

StoreResult<ClaimRecord> decode_claim(std::uint64_t first_index, std::string_view bytes) {
  RecordReader reader(bytes);
  const auto state_byte = reader.number<std::uint8_t>();
  const auto state = state_byte ? claim_state(*state_byte) : std::nullopt;
  const auto has_approval = reader.number<std::uint8_t>();
  const auto key = reader.fixed<ClaimKey>();
  const auto approval = has_approval == 1 ? reader.fixed<ApprovalKey>() : std::nullopt;
  const auto id = reader.fixed<ExecutionId>();
  const auto fingerprint = reader.fixed<Hash>();
  const auto index = reader.number<std::uint64_t>();
  const auto check = reader.bytes(claim_check_bytes);
  if (!state || !key || !id || !fingerprint || !index || !check || !reader.at_end() || *has_approval > 1 ||
      *check != check_of(first_index, bytes.substr(0, bytes.size() - claim_check_bytes))) {
    return damaged(fmt::format("the claim of entry {} cannot be read", first_index));
  }
  return ClaimRecord{first_index, *state, *key, approval, *id, *fingerprint, *index};
}

StoreResult<void> add_claim(WriteTxn& txn, const ClaimRecord& record) {
  txn.add_keys(keys_of(record));
  return txn.append(Table::claims, to_big_endian(record.first_index), encode(record));
}

StoreResult<void> change_claim(WriteTxn& txn, const ClaimRecord& record) {
  return txn.put(Table::claims, to_big_endian(record.first_index), encode(record));
}

std::string encode_result(UtcTime at, const Hash& receipt, const RunResult& run) {
  std::uint8_t status = 0;
  while (stored_statuses.at(status) != run.status) {
    ++status;
  }
  std::string out;
  out.reserve(1 + 8 + 8 + Hash::size_bytes + run.result.size());
  append_big_endian(out, status);
  append_big_endian(out, static_cast<std::uint64_t>(at.us));
  append_big_endian(out, static_cast<std::uint64_t>(run.duration_us));
  out += text_of(receipt.view());
  out += run.result;
  return out;
}

StoreResult<ResultRecord> view_result(std::string_view bytes) {
  RecordReader reader(bytes);
  const auto status = reader.number<std::uint8_t>();
  const auto at_us = reader.number<std::uint64_t>();
  const auto at = at_us ? stored_time(*at_us) : std::nullopt;
  const auto duration = reader.number<std::uint64_t>();
  const auto receipt = reader.fixed<Hash>();
  if (!status || *status >= stored_statuses.size() || !at || !duration || static_cast<std::int64_t>(*duration) < 0 ||
      !receipt) {
    return damaged("a result cannot be read");
  }
  return ResultRecord{stored_statuses.at(*status), *at, static_cast<std::int64_t>(*duration), *receipt, reader.rest()};
}

StoreResult<StoredOutcome> decode_result(std::uint64_t index, std::string_view bytes) {
  const auto record = view_result(bytes);
  if (!record) {
    return std::unexpected(record.error());
  }
  return StoredOutcome{
      {record->status, std::string(record->result), record->duration_us}, record->at, index, record->receipt};
}

StoreResult<void> put_result(WriteTxn& txn, std::uint64_t index, UtcTime at, const Hash& receipt,
                             const RunResult& run) {
  return txn.append(Table::results, to_big_endian(index), encode_result(at, receipt, run));
}

StoreResult<std::optional<ClaimRecord>> find_claim(const ReadTxn& txn, const ClaimKey& key) {
  return find_by(txn, KeyKind::claim, key.view());
}

StoreResult<std::optional<ClaimRecord>> find_claim(const ReadTxn& txn, const ApprovalKey& key) {
  return find_by(txn, KeyKind::approval, key.view());
}

StoreResult<std::optional<ClaimRecord>> find_claim(const ReadTxn& txn, const ExecutionId& id) {
  return find_by(txn, KeyKind::execution, id.view());
}

std::string encode(const KeyProgress& progress) {
  std::string out;
  append_big_endian(out, progress.indexed);
  append_big_endian(out, progress.run_end);
  for (const std::uint64_t merged : progress.merged) {
    append_big_endian(out, merged);
  }
  const Hash hash = sha256({bytes_of(meta::key_progress), bytes_of(out)});
  out += text_of(hash.view()).substr(0, claim_check_bytes);
  return out;
}

StoreResult<KeyProgress> key_progress(const ReadTxn& txn) {
  const auto bytes = txn.get(Table::meta, meta::key_progress);
  if (!bytes) {
    return std::unexpected(bytes.error());
  }
  KeyProgress progress;
  if (!*bytes) {
    return progress;
  }
  RecordReader reader(**bytes);
  progress.indexed = reader.number<std::uint64_t>().value_or(0);
  progress.run_end = reader.number<std::uint64_t>().value_or(0);
  for (std::uint64_t& merged : progress.merged) {
    merged = reader.number<std::uint64_t>().value_or(0);
  }
  if (encode(progress) != **bytes) {
    return damaged("its key_progress cannot be read");
  }
  return progress;
}

StoreResult<std::vector<ClaimKeys>> recent_claims(const ReadTxn& txn) {
  const auto progress = key_progress(txn);
  auto scan =
      progress ? txn.scan_from(Table::claims, to_big_endian(progress->indexed)) : std::unexpected(progress.error());
  if (!scan) {
    return std::unexpected(scan.error());
  }
  std::vector<ClaimKeys> claims;
  while (true) {
    const auto row = scan->next();
    if (!row) {
      return std::unexpected(row.error());
    }
    if (!*row) {
      return claims;
    }
    const auto first_index = from_big_endian<std::uint64_t>((*row)->key);
    const auto record = first_index ? decode_claim(*first_index, (*row)->value) : damaged("a claim has no entry");
    if (!record) {
      return std::unexpected(record.error());
    }
    claims.push_back(keys_of(*record));
  }
}

StoreResult<void> merge_keys(WriteTxn& txn, const KeyMerger::Slice& slice) {
  for (const KeyKind kind : {KeyKind::claim, KeyKind::approval, KeyKind::execution}) {
    for (const PrefixMap::Place& place : slice.places[static_cast<std::size_t>(kind)]) {
      const auto record = claim_at(txn, place.index);
      if (!record || !*record) {
        return record ? damaged(fmt::format("the claim of entry {} is missing", place.index))
                      : std::unexpected(record.error());
      }
      if (auto done = txn.put(table_of(kind), text_of(key_of(**record, kind)), to_big_endian(place.index)); !done) {
        return done;
      }
    }
  }
  return slice.progress ? txn.put(Table::meta, meta::key_progress, encode(*slice.progress)) : StoreResult<void>();
}

StoreResult<std::optional<KnownClaim>> known_claim(const ReadTxn& txn, const ClaimKey& key, const Hash& fingerprint) {
  const auto record = find_claim(txn, key);
  if (!record) {
    return std::unexpected(record.error());
  }
  if (!*record) {
    return std::nullopt;
  }
  KnownClaim known{(*record)->fingerprint == fingerprint, (*record)->state, (*record)->index, std::nullopt};
  if (known.same_request && known.state == ClaimState::finished) {
    const auto bytes = txn.get(Table::results, to_big_endian((*record)->index));
    if (!bytes) {
      return std::unexpected(bytes.error());
    }
    if (!*bytes) {
      return damaged("a finished claim has no result");
    }
    auto outcome = decode_result((*record)->index, **bytes);
    if (!outcome) {
      return std::unexpected(outcome.error());
    }
    known.outcome = std::move(*outcome);
  }
  return known;
}

StoreResult<std::optional<std::string_view>> presented_at(const ReadTxn& txn, std::uint64_t first_index) {
  return txn.get(Table::presented, to_big_endian(first_index));
}

StoreResult<void> put_presented(WriteTxn& txn, std::uint64_t first_index, std::string_view presented) {
  return txn.append(Table::presented, to_big_endian(first_index), presented);
}

StoreResult<std::optional<UtcTime>> time_in_meta(const ReadTxn& txn, std::string_view key) {
  const auto bytes = txn.get(Table::meta, key);
  if (!bytes) {
    return std::unexpected(bytes.error());
  }
  if (!*bytes) {
    return std::nullopt;
  }
  const auto us = from_big_endian<std::uint64_t>(**bytes);
  const auto time = us ? stored_time(*us) : std::nullopt;
  if (!time) {
    return damaged(fmt::format("its {} cannot be read", key));
  }
  return *time;
}

StoreResult<std::optional<UtcTime>> approvals_floor(const ReadTxn& txn) {
  return time_in_meta(txn, meta::approvals_floor);
}

StoreResult<std::optional<Error>> approval_objection(const ReadTxn& txn, const ApprovalUse& approval) {
  const auto floor = approvals_floor(txn);
  if (!floor) {
    return std::unexpected(floor.error());
  }
  if (*floor && approval.issued < **floor) {
    return Error{Reason::approval_expired,
                 fmt::format("This daemon's store was put back to an older copy, which cannot know the approvals used "
                             "since: only those issued from {} on are taken. Ask the approver for a new one",
                             to_text(**floor))};
  }
  const auto used = find_claim(txn, approval.key);
  if (!used) {
    return std::unexpected(used.error());
  }
  return *used ? std::optional(approval_used_error()) : std::nullopt;
}

StoreResult<void> put_approvals_floor(WriteTxn& txn, UtcTime floor) {
  return txn.put(Table::meta, meta::approvals_floor, to_big_endian(static_cast<std::uint64_t>(floor.us)));
}

}  // namespace openexec
