// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/table_check.h"

#include <fmt/format.h>

#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "daemon/core/big_endian.h"
#include "daemon/core/claims.h"
#include "daemon/core/receipt_log.h"
#include "daemon/core/side_by_side.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/names.h"

namespace openexec {
namespace {

ClaimState state_of(ReceiptKind kind) {
  if (has_result(kind)) {
    return ClaimState::finished;
  }
  return kind == ReceiptKind::started ? ClaimState::running : ClaimState::unknown;
}

std::string hex_of(std::string_view bytes) { return to_hex(bytes_of(bytes)); }

class Checker {
 public:
  Checker(const ReadTxn& txn, const LogAudit& audit, const CheckProgress& progress, LogFindings& findings)
      : txn_(txn), audit_(audit), progress_(progress), findings_(findings) {}

  void check_claims(LogReport& report);
  void check_approvals(LogReport& report);
  void check_executions();

 private:
  void check_claim(const AuditedExecution& execution, std::optional<std::string_view> row);
  [[nodiscard]] bool has_unreadable_outcome(const AuditedExecution& execution, std::string_view claim) const;
  void check_result(const AuditedExecution& execution, std::optional<std::string_view> row);
  void check_open(const AuditedExecution& execution, std::optional<std::string_view> row);
  void check_approval(const AuditedApproval& approval, std::optional<std::string_view> row);

  void extra_claim(const ReadTxn::Row& row);
  void extra_result(const ReadTxn::Row& row);
  void extra_open(const ReadTxn::Row& row);
  void extra_approval(const ReadTxn::Row& row);
  void extra_execution(const ReadTxn::Row& row);

  // An entry that is named already: what belongs to it cannot be known.
  [[nodiscard]] bool is_unreadable(std::uint64_t index) const { return audit_.is_unreadable(index); }
  // "entry 41 (nonce "7c9e66790b1f")"
  [[nodiscard]] std::string name_of(std::uint64_t index) const;

  const ReadTxn& txn_;
  const LogAudit& audit_;
  const CheckProgress& progress_;
  LogFindings& findings_;
};

std::string Checker::name_of(std::uint64_t index) const {
  const auto leaf = leaf_at(txn_, index);
  const auto content = leaf && *leaf ? read_leaf(**leaf) : std::unexpected(std::string());
  const auto* receipt = content ? std::get_if<Receipt>(&*content) : nullptr;
  return receipt == nullptr ? fmt::format("entry {}", index)
                            : fmt::format("entry {} (nonce {})", index, quoted_name(receipt->nonce));
}

// The four tables that have the claim key in one pass, so that each execution is looked at once.
void Checker::check_claims(LogReport& report) {
  SideBySide claims(txn_, Table::claims, progress_, findings_);
  SideBySide results(txn_, Table::results, progress_, findings_);
  SideBySide open(txn_, Table::open, progress_, findings_);
  const auto no_claim = [this](const ReadTxn::Row& row) { extra_claim(row); };
  const auto no_result = [this](const ReadTxn::Row& row) { extra_result(row); };
  const auto not_open = [this](const ReadTxn::Row& row) { extra_open(row); };
  for_each_in(audit_.by_claim(), audit_.executions(), [&](const AuditedExecution& execution) {
    const std::string_view key = text_of(execution.claim.view());
    const auto claim = claims.at(key, no_claim);
    const auto result = results.at(key, no_result);
    const auto started = open.at(key, not_open);
    if (claim || !claims.failed()) {
      check_claim(execution, claim);
    }
    if (claim && has_unreadable_outcome(execution, *claim)) {
      return;
    }
    if (result || !results.failed()) {
      check_result(execution, result);
    }
    if (started || !open.failed()) {
      check_open(execution, started);
    }
  });
  claims.finish(no_claim);
  results.finish(no_result);
  open.finish(not_open);
  report.claims = claims.count();
  report.results = results.count();
  report.running = open.count();
}

void Checker::check_claim(const AuditedExecution& execution, std::optional<std::string_view> row) {
  const auto record = row ? decode_claim(execution.claim, *row) : std::unexpected(StoreError{});
  if (!record) {
    return findings_.add(LogPart::claims, [&] {
      return fmt::format("the claim of {} {}", name_of(execution.first_index),
                         row ? "is not as it was written" : "is missing");
    });
  }
  const auto differs = [&](std::string_view what) {
    findings_.add(LogPart::claims, [&] {
      return fmt::format("the claim of {} has another {} than the log", name_of(execution.first_index), what);
    });
  };
  if (record->id != execution.id) {
    differs("id");
  }
  if (has_unreadable_outcome(execution, *row)) {
    return;
  }
  if (record->state != state_of(execution.kind)) {
    differs("state");
  }
  if (record->first_index != execution.first_index || record->index != execution.index) {
    differs("entry");
  }
}

// Its claim says that it ended with an entry that cannot be read, and which is named already.
bool Checker::has_unreadable_outcome(const AuditedExecution& execution, std::string_view claim) const {
  if (execution.kind != ReceiptKind::started || audit_.unreadable() == 0) {
    return false;
  }
  const auto record = decode_claim(execution.claim, claim);
  return record && is_unreadable(record->index);
}

void Checker::check_result(const AuditedExecution& execution, std::optional<std::string_view> row) {
  if (row.has_value() != has_result(execution.kind)) {
    return findings_.add(LogPart::results, [&] {
      return fmt::format("the result of {} {}", name_of(execution.index),
                         row ? "is there, and the log says that it has none" : "is missing");
    });
  }
  if (!row) {
    return;
  }
  const auto differs = [&](std::string_view what) {
    findings_.add(LogPart::results, [&] { return fmt::format("the result of {} {}", name_of(execution.index), what); });
  };
  const auto record = view_result(*row);
  if (!record) {
    return differs("cannot be read");
  }
  if (record->status != execution.kind || record->at != execution.at || record->duration_us != execution.duration_us ||
      record->index != execution.index) {
    differs("has another status, time or entry than the log");
  }
  if (sha256(record->result) != execution.result_hash) {
    differs("is not the one that its entry names");
  }
  if (seed_receipt(to_uuid_text(execution.id), record->result) != execution.receipt) {
    differs("does not make the receipt that its entry names");
  }
}

void Checker::check_open(const AuditedExecution& execution, std::optional<std::string_view> row) {
  const bool runs = execution.kind == ReceiptKind::started;
  if (runs && !row) {
    findings_.add(LogPart::claims, [&] {
      return fmt::format("{} has no outcome, and is not among what runs now", name_of(execution.first_index));
    });
  } else if (!runs && row) {
    findings_.add(LogPart::claims, [&] {
      return fmt::format("{} has an outcome, and is among what runs now", name_of(execution.first_index));
    });
  } else if (row && from_big_endian<std::uint64_t>(*row) != execution.first_index) {
    findings_.add(LogPart::claims, [&] {
      return fmt::format("{} is among what runs now with another entry", name_of(execution.first_index));
    });
  }
}

void Checker::extra_claim(const ReadTxn::Row& row) {
  const auto key = ClaimKey::from(bytes_of(row.key));
  const auto record = key ? decode_claim(*key, row.value) : std::unexpected(StoreError{});
  if (record && (is_unreadable(record->first_index) || is_unreadable(record->index))) {
    return;
  }
  findings_.add(LogPart::claims,
                [&] { return fmt::format("the claim {} belongs to no entry of the log", hex_of(row.key)); });
}

void Checker::extra_result(const ReadTxn::Row& row) {
  const auto record = view_result(row.value);
  if (record && is_unreadable(record->index)) {
    return;
  }
  findings_.add(LogPart::results,
                [&] { return fmt::format("the result of claim {} belongs to no entry of the log", hex_of(row.key)); });
}

void Checker::extra_open(const ReadTxn::Row& row) {
  const auto started = from_big_endian<std::uint64_t>(row.value);
  if (started && is_unreadable(*started)) {
    return;
  }
  findings_.add(LogPart::claims, [&] {
    return fmt::format("the claim {} is among what runs now, and belongs to no entry of the log", hex_of(row.key));
  });
}

void Checker::check_approvals(LogReport& report) {
  SideBySide rows(txn_, Table::approvals, progress_, findings_);
  const auto extra = [this](const ReadTxn::Row& row) { extra_approval(row); };
  for (const AuditedApproval& approval : audit_.approvals()) {
    const auto row = rows.at(text_of(approval.key.view()), extra);
    if (row || !rows.failed()) {
      check_approval(approval, row);
    }
  }
  rows.finish(extra);
  report.approvals = rows.count();
}

void Checker::extra_approval(const ReadTxn::Row& row) {
  const auto used = decode_approval(row.value);
  const auto claim = used ? find_claim(txn_, used->claim) : std::unexpected(StoreError{});
  if (claim && *claim && is_unreadable((*claim)->first_index)) {
    return;
  }
  findings_.add(LogPart::approvals,
                [&] { return fmt::format("the used approval {} belongs to no entry of the log", hex_of(row.key)); });
}

void Checker::check_approval(const AuditedApproval& approval, std::optional<std::string_view> row) {
  const auto used = row ? decode_approval(*row) : std::unexpected(StoreError{});
  std::string_view fault;
  if (!row) {
    fault = "is not among those that were used";
  } else if (!used) {
    fault = "cannot be read";
  } else if (used->claim != approval.claim) {
    fault = "is kept as used by another claim";
  } else if (sha256(used->presented) != approval.presented) {
    fault = "is not kept as it was presented";
  } else {
    return;
  }
  findings_.add(LogPart::approvals,
                [&] { return fmt::format("the approval of {} {}", name_of(approval.index), fault); });
}

void Checker::check_executions() {
  SideBySide rows(txn_, Table::executions, progress_, findings_);
  const auto extra = [this](const ReadTxn::Row& row) { extra_execution(row); };
  std::string key;
  const auto look = [&](const ExecutionId& id, std::uint64_t index) {
    key = text_of(id.view());
    append_big_endian(key, index);
    const auto row = rows.at(key, extra);
    if ((row && !row->empty()) || (!row && !rows.failed())) {
      findings_.add(LogPart::claims, [&] {
        return fmt::format("{} is {} under its id {}", name_of(index), row ? "not rightly found" : "not found",
                           to_uuid_text(id));
      });
    }
  };
  for_each_in(audit_.by_id(), audit_.executions(), [&](const AuditedExecution& execution) {
    if (!is_unreadable(execution.first_index)) {
      look(execution.id, execution.first_index);
    }
    if (execution.index != execution.first_index) {
      look(execution.id, execution.index);
    }
  });
  rows.finish(extra);
}

void Checker::extra_execution(const ReadTxn::Row& row) {
  const bool has_size = row.key.size() == ExecutionId::size_bytes + sizeof(std::uint64_t);
  const auto index = has_size ? from_big_endian<std::uint64_t>(row.key.substr(ExecutionId::size_bytes)) : std::nullopt;
  if (index && is_unreadable(*index)) {
    return;
  }
  findings_.add(LogPart::claims,
                [&] { return fmt::format("the execution {} belongs to no entry of the log", hex_of(row.key)); });
}

}  // namespace

void check_tables(const ReadTxn& txn, const LogAudit& audit, const CheckProgress& progress, LogReport& report) {
  Checker checker(txn, audit, progress, report.findings);
  checker.check_claims(report);
  checker.check_approvals(report);
  checker.check_executions();
  for (const LogPart part : {LogPart::claims, LogPart::results, LogPart::approvals}) {
    report.findings.checked(part);
  }
}

}  // namespace openexec
