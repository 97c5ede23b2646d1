// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/claims.h"

#include <array>

#include "daemon/core/big_endian.h"

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
  std::string out;
  out.reserve(claim_record_bytes);
  append_big_endian(out, static_cast<std::uint8_t>(record.state));
  out += text_of(record.id.view());
  out += text_of(record.fingerprint.view());
  append_big_endian(out, record.first_index);
  append_big_endian(out, record.index);
  return out;
}

StoreResult<ClaimRecord> decode_claim(std::string_view bytes) {
  RecordReader reader(bytes);
  const auto state_byte = reader.number<std::uint8_t>();
  const auto state = state_byte ? claim_state(*state_byte) : std::nullopt;
  const auto id = reader.fixed<ExecutionId>();
  const auto fingerprint = reader.fixed<Hash>();
  const auto first_index = reader.number<std::uint64_t>();
  const auto index = reader.number<std::uint64_t>();
  if (!state || !id || !fingerprint || !first_index || !index || !reader.at_end()) {
    return damaged("a claim cannot be read");
  }
  return ClaimRecord{*state, *id, *fingerprint, *first_index, *index};
}

std::string encode_result(const StoredOutcome& outcome, std::string_view presented_approval) {
  std::uint8_t status = 0;
  while (stored_statuses.at(status) != outcome.run.status) {
    ++status;
  }
  std::string out;
  out.reserve(1 + 8 + 8 + 8 + 8 + outcome.run.result.size() + presented_approval.size());
  append_big_endian(out, status);
  append_big_endian(out, static_cast<std::uint64_t>(outcome.at.us));
  append_big_endian(out, static_cast<std::uint64_t>(outcome.run.duration_us));
  append_big_endian(out, outcome.index);
  append_big_endian(out, static_cast<std::uint64_t>(outcome.run.result.size()));
  out += outcome.run.result;
  out += presented_approval;
  return out;
}

StoreResult<StoredOutcome> decode_result(std::string_view bytes) {
  RecordReader reader(bytes);
  const auto status = reader.number<std::uint8_t>();
  const auto at_us = reader.number<std::uint64_t>();
  const auto at = at_us ? stored_time(*at_us) : std::nullopt;
  const auto duration = reader.number<std::uint64_t>();
  const auto index = reader.number<std::uint64_t>();
  const auto size = reader.number<std::uint64_t>();
  const auto result = size ? reader.bytes(*size) : std::nullopt;
  if (!status || *status >= stored_statuses.size() || !at || !duration || static_cast<std::int64_t>(*duration) < 0 ||
      !index || !result) {
    return damaged("a result cannot be read");
  }
  return StoredOutcome{
      {stored_statuses.at(*status), std::string(*result), static_cast<std::int64_t>(*duration)}, *at, *index};
}

StoreResult<std::optional<ClaimRecord>> find_claim(const ReadTxn& txn, const ClaimKey& key) {
  const auto bytes = txn.get(Table::claims, text_of(key.view()));
  if (!bytes) {
    return std::unexpected(bytes.error());
  }
  if (!*bytes) {
    return std::nullopt;
  }
  return decode_claim(**bytes);
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

StoreResult<bool> approval_is_used(const ReadTxn& txn, const ApprovalKey& key) {
  const auto bytes = txn.get(Table::approvals, text_of(key.view()));
  if (!bytes) {
    return std::unexpected(bytes.error());
  }
  return bytes->has_value();
}

}  // namespace openexec
