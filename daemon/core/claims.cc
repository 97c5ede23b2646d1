// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/claims.h"

#include <fmt/format.h>

#include <array>

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

std::string check_of(const ClaimKey& key, std::string_view record) {
  const Hash hash = sha256({key.view(), bytes_of(record)});
  return std::string(text_of(hash.view()).substr(0, claim_check_bytes));
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

std::string encode(const ClaimKey& key, const ClaimRecord& record) {
  std::string out;
  out.reserve(claim_record_bytes);
  append_big_endian(out, static_cast<std::uint8_t>(record.state));
  out += text_of(record.id.view());
  out += text_of(record.fingerprint.view());
  append_big_endian(out, record.first_index);
  append_big_endian(out, record.index);
  out += check_of(key, out);
  return out;
}

StoreResult<ClaimRecord> decode_claim(const ClaimKey& key, std::string_view bytes) {
  RecordReader reader(bytes);
  const auto state_byte = reader.number<std::uint8_t>();
  const auto state = state_byte ? claim_state(*state_byte) : std::nullopt;
  const auto id = reader.fixed<ExecutionId>();
  const auto fingerprint = reader.fixed<Hash>();
  const auto first_index = reader.number<std::uint64_t>();
  const auto index = reader.number<std::uint64_t>();
  const auto check = reader.bytes(claim_check_bytes);
  if (!state || !id || !fingerprint || !first_index || !index || !check || !reader.at_end() ||
      *check != check_of(key, bytes.substr(0, bytes.size() - claim_check_bytes))) {
    return damaged(fmt::format("claim {} cannot be read", to_hex(key.view())));
  }
  return ClaimRecord{*state, *id, *fingerprint, *first_index, *index};
}

std::string encode_result(const StoredOutcome& outcome) {
  std::uint8_t status = 0;
  while (stored_statuses.at(status) != outcome.run.status) {
    ++status;
  }
  std::string out;
  out.reserve(1 + 8 + 8 + 8 + outcome.run.result.size());
  append_big_endian(out, status);
  append_big_endian(out, static_cast<std::uint64_t>(outcome.at.us));
  append_big_endian(out, static_cast<std::uint64_t>(outcome.run.duration_us));
  append_big_endian(out, outcome.index);
  out += outcome.run.result;
  return out;
}

StoreResult<ResultRecord> view_result(std::string_view bytes) {
  RecordReader reader(bytes);
  const auto status = reader.number<std::uint8_t>();
  const auto at_us = reader.number<std::uint64_t>();
  const auto at = at_us ? stored_time(*at_us) : std::nullopt;
  const auto duration = reader.number<std::uint64_t>();
  const auto index = reader.number<std::uint64_t>();
  if (!status || *status >= stored_statuses.size() || !at || !duration || static_cast<std::int64_t>(*duration) < 0 ||
      !index) {
    return damaged("a result cannot be read");
  }
  return ResultRecord{stored_statuses.at(*status), *at, static_cast<std::int64_t>(*duration), *index, reader.rest()};
}

StoreResult<StoredOutcome> decode_result(std::string_view bytes) {
  const auto record = view_result(bytes);
  if (!record) {
    return std::unexpected(record.error());
  }
  return StoredOutcome{{record->status, std::string(record->result), record->duration_us}, record->at, record->index};
}

StoreResult<std::optional<ClaimRecord>> find_claim(const ReadTxn& txn, const ClaimKey& key) {
  const auto bytes = txn.get(Table::claims, text_of(key.view()));
  if (!bytes) {
    return std::unexpected(bytes.error());
  }
  if (!*bytes) {
    return std::nullopt;
  }
  return decode_claim(key, **bytes);
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
    const auto bytes = txn.get(Table::results, text_of(key.view()));
    if (!bytes) {
      return std::unexpected(bytes.error());
    }
    if (!*bytes) {
      return damaged("a finished claim has no result");
    }
    auto outcome = decode_result(**bytes);
    if (!outcome) {
      return std::unexpected(outcome.error());
    }
    known.outcome = std::move(*outcome);
  }
  return known;
}

StoreResult<UsedApproval> decode_approval(std::string_view bytes) {
  RecordReader reader(bytes);
  const auto claim = reader.fixed<ClaimKey>();
  if (!claim) {
    return damaged("a used approval cannot be read");
  }
  return UsedApproval{*claim, reader.rest()};
}

StoreResult<std::optional<UsedApproval>> used_approval(const ReadTxn& txn, const ApprovalKey& key) {
  const auto bytes = txn.get(Table::approvals, text_of(key.view()));
  if (!bytes) {
    return std::unexpected(bytes.error());
  }
  if (!*bytes) {
    return std::nullopt;
  }
  return decode_approval(**bytes);
}

StoreResult<void> use_approval(WriteTxn& txn, const ApprovalKey& key, const ClaimKey& claim,
                               std::string_view presented) {
  return txn.put(Table::approvals, text_of(key.view()), std::string(text_of(claim.view())).append(presented));
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
  const auto used = used_approval(txn, approval.key);
  if (!used) {
    return std::unexpected(used.error());
  }
  return *used ? std::optional(approval_used_error()) : std::nullopt;
}

StoreResult<void> put_approvals_floor(WriteTxn& txn, UtcTime floor) {
  return txn.put(Table::meta, meta::approvals_floor, to_big_endian(static_cast<std::uint64_t>(floor.us)));
}

}  // namespace openexec
