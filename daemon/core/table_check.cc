// SPDX-License-Identifier: Apache-2.0
#include "daemon/core/table_check.h"

#include <fmt/format.h>

#include <algorithm>
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
  void check_nonces(LogReport& report);
  void check_results(LogReport& report);
  void check_approvals(LogReport& report);
  void check_presented();
  void check_executions();

 private:
  void check_claim(const AuditedExecution& execution, std::optional<std::string_view> row);
  [[nodiscard]] bool has_unreadable_outcome(const AuditedExecution& execution) const;
  void check_result(const AuditedExecution& execution, std::string_view row);
  void check_open(const AuditedExecution& execution, std::optional<std::string_view> row);
  // A row of a table of keys, of that entry; one that is in memory alone may have none.
  void check_key(std::string_view what, std::uint64_t first_index, bool failed, std::optional<std::string_view> row);

  void extra_claim(const ReadTxn::Row& row);
  void extra_result(const ReadTxn::Row& row);
  void extra_open(const ReadTxn::Row& row);
  void check_claimed_approval(const AuditedApproval& approval);
  void extra_key(std::string_view what, const ReadTxn::Row& row);
  void extra_presented(const ReadTxn::Row& row);

  // An entry that is named already: what belongs to it cannot be known.
  [[nodiscard]] bool is_unreadable(std::uint64_t index) const { return audit_.is_unreadable(index); }
  // "entry 41 (nonce "7c9e66790b1f")"
  [[nodiscard]] std::string name_of(std::uint64_t index) const;

  const ReadTxn& txn_;
  const LogAudit& audit_;
  const CheckProgress& progress_;
  LogFindings& findings_;
  std::uint64_t indexed_ = 0;  // claims from here on may have no rows in the tables of keys
};

std::string Checker::name_of(std::uint64_t index) const {
  const auto leaf = leaf_at(txn_, index);
  const auto content = leaf && *leaf ? read_leaf(**leaf) : std::unexpected(std::string());
  const auto* receipt = content ? std::get_if<Receipt>(&*content) : nullptr;
  return receipt == nullptr ? fmt::format("entry {}", index)
                            : fmt::format("entry {} (nonce {})", index, quoted_name(receipt->nonce));
}

// The places in `all` of what is wanted, in the order of one of their entries.
template <auto Entry, typename Audited, typename Wanted>
std::vector<std::uint32_t> by_entry(const std::vector<Audited>& all, Wanted wanted) {
  std::vector<std::uint32_t> places;
  for (std::uint32_t place = 0; place < all.size(); ++place) {
    if (wanted(all[place])) {
      places.push_back(place);
    }
  }
  std::ranges::sort(places, {}, [&](std::uint32_t place) { return all[place].*Entry; });
  return places;
}

bool has_result_now(const AuditedExecution& execution) { return has_result(execution.kind); }

void Checker::check_claims(LogReport& report) {
  const auto progress = key_progress(txn_);
  if (!progress) {
    findings_.add(LogPart::structure, [&] { return progress.error().message; });
  }
  indexed_ = progress ? progress->indexed : 0;
  if (progress && std::max(progress->indexed, progress->run_end) > audit_.size()) {
    findings_.add(LogPart::structure, [&] { return "its key_progress is past the log's end"; });
  }
  SideBySide claims(txn_, Table::claims, progress_, findings_);
  const auto no_claim = [this](const ReadTxn::Row& row) { extra_claim(row); };
  const auto& executions = audit_.executions();
  for (const std::uint32_t place :
       by_entry<&AuditedExecution::first_index>(executions, [](const auto&) { return true; })) {
    const AuditedExecution& execution = executions[place];
    const auto claim = claims.at(to_big_endian(execution.first_index), no_claim);
    if (claim || !claims.failed()) {
      check_claim(execution, claim);
    }
  }
  claims.finish(no_claim);
  report.claims = claims.count();
}

// The two tables that have the claim key in one pass.
void Checker::check_nonces(LogReport& report) {
  SideBySide nonces(txn_, Table::nonces, progress_, findings_);
  SideBySide open(txn_, Table::open, progress_, findings_);
  const auto no_claim = [this](const ReadTxn::Row& row) { extra_key("nonce", row); };
  const auto not_open = [this](const ReadTxn::Row& row) { extra_open(row); };
  for_each_in(audit_.by_claim(), audit_.executions(), [&](const AuditedExecution& execution) {
    const std::string_view key = text_of(execution.claim.view());
    const auto nonce = nonces.at(key, no_claim);
    check_key("nonce", execution.first_index, nonces.failed(), nonce);
    const auto started = open.at(key, not_open);
    if (!has_unreadable_outcome(execution) && (started || !open.failed())) {
      check_open(execution, started);
    }
  });
  nonces.finish(no_claim);
  open.finish(not_open);
  report.running = open.count();
}

void Checker::check_key(std::string_view what, std::uint64_t first_index, bool failed,
                        std::optional<std::string_view> row) {
  if (!row && (failed || first_index >= indexed_)) {
    return;
  }
  if (!row || from_big_endian<std::uint64_t>(*row) != first_index) {
    findings_.add(what == "approval" ? LogPart::approvals : LogPart::claims, [&] {
      return fmt::format("the {} of {} {}", what, name_of(first_index),
                         row ? "leads to another entry" : "is not found by its key");
    });
  }
}

void Checker::extra_key(std::string_view what, const ReadTxn::Row& row) {
  const auto first_index = from_big_endian<std::uint64_t>(row.value);
  if (first_index && is_unreadable(*first_index)) {
    return;
  }
  findings_.add(what == "approval" ? LogPart::approvals : LogPart::claims,
                [&] { return fmt::format("the {} {} belongs to no entry of the log", what, hex_of(row.key)); });
}

void Checker::check_results(LogReport& report) {
  SideBySide rows(txn_, Table::results, progress_, findings_);
  const auto extra = [this](const ReadTxn::Row& row) { extra_result(row); };
  const auto& executions = audit_.executions();
  for (const std::uint32_t place : by_entry<&AuditedExecution::index>(executions, has_result_now)) {
    const AuditedExecution& execution = executions[place];
    const auto row = rows.at(to_big_endian(execution.index), extra);
    if (row) {
      check_result(execution, *row);
    } else if (!rows.failed()) {
      findings_.add(LogPart::results,
                    [&] { return fmt::format("the result of {} is missing", name_of(execution.index)); });
    }
  }
  rows.finish(extra);
  report.results = rows.count();
}

void Checker::check_claim(const AuditedExecution& execution, std::optional<std::string_view> row) {
  const auto record = row ? decode_claim(execution.first_index, *row) : std::unexpected(StoreError{});
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
  if (record->key != execution.claim) {
    differs("nonce");
  }
  if (record->id != execution.id) {
    differs("id");
  }
  const auto presented = txn_.get(Table::presented, to_big_endian(execution.first_index));
  if (record->approval && presented && !*presented) {
    differs("approval");
  }
  if (has_unreadable_outcome(execution)) {
    return;
  }
  if (record->state != state_of(execution.kind)) {
    differs("state");
  }
  if (record->index != execution.index) {
    differs("entry");
  }
}

// Its claim says that it ended with an entry that cannot be read, and which is named already.
bool Checker::has_unreadable_outcome(const AuditedExecution& execution) const {
  if (execution.kind != ReceiptKind::started || audit_.unreadable() == 0) {
    return false;
  }
  const auto claim = txn_.get(Table::claims, to_big_endian(execution.first_index));
  const auto record = claim && *claim ? decode_claim(execution.first_index, **claim) : std::unexpected(StoreError{});
  return record && is_unreadable(record->index);
}

void Checker::check_result(const AuditedExecution& execution, std::string_view row) {
  const auto differs = [&](std::string_view what) {
    findings_.add(LogPart::results, [&] { return fmt::format("the result of {} {}", name_of(execution.index), what); });
  };
  const auto record = view_result(row);
  if (!record) {
    return differs("cannot be read");
  }
  if (record->status != execution.kind || record->at != execution.at || record->duration_us != execution.duration_us) {
    differs("has another status or time than the log");
  }
  if (sha256(record->result) != execution.result_hash) {
    differs("is not the one that its entry names");
  }
  if (record->receipt != execution.receipt ||
      seed_receipt(to_uuid_text(execution.id), record->result) != execution.receipt) {
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
  const auto first_index = from_big_endian<std::uint64_t>(row.key);
  const auto record = first_index ? decode_claim(*first_index, row.value) : std::unexpected(StoreError{});
  if (first_index && (is_unreadable(*first_index) || (record && is_unreadable(record->index)))) {
    return;
  }
  findings_.add(LogPart::claims, [&] {
    return first_index ? fmt::format("there is a claim of entry {}, which claimed nothing", *first_index)
                       : fmt::format("the claim {} belongs to no entry of the log", hex_of(row.key));
  });
}

void Checker::extra_result(const ReadTxn::Row& row) {
  const auto index = from_big_endian<std::uint64_t>(row.key);
  if (index && is_unreadable(*index)) {
    return;
  }
  findings_.add(LogPart::results, [&] {
    return index ? fmt::format("there is a result of entry {}, which is none of an execution that ended", *index)
                 : fmt::format("the result {} belongs to no entry of the log", hex_of(row.key));
  });
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
  const auto extra = [this](const ReadTxn::Row& row) { extra_key("approval", row); };
  for (const AuditedApproval& approval : audit_.approvals()) {
    const auto row = rows.at(text_of(approval.key.view()), extra);
    check_key("approval", approval.index, rows.failed(), row);
  }
  rows.finish(extra);
  report.approvals = audit_.approvals().size();
}

// A claim that cannot be read is named already.
void Checker::check_claimed_approval(const AuditedApproval& approval) {
  const auto bytes = txn_.get(Table::claims, to_big_endian(approval.index));
  const auto record = bytes && *bytes ? decode_claim(approval.index, **bytes) : std::unexpected(StoreError{});
  if (record && record->approval != approval.key) {
    findings_.add(LogPart::approvals, [&] {
      return fmt::format("the claim of {} has another approval than the log", name_of(approval.index));
    });
  }
}

void Checker::check_presented() {
  SideBySide rows(txn_, Table::presented, progress_, findings_);
  const auto extra = [this](const ReadTxn::Row& row) { extra_presented(row); };
  const auto& approvals = audit_.approvals();
  for (const std::uint32_t place : by_entry<&AuditedApproval::index>(approvals, [](const auto&) { return true; })) {
    const AuditedApproval& approval = approvals[place];
    check_claimed_approval(approval);
    const auto row = rows.at(to_big_endian(approval.index), extra);
    if ((row && sha256(*row) != approval.presented) || (!row && !rows.failed())) {
      findings_.add(LogPart::approvals, [&] {
        return fmt::format("the approval of {} is not kept as it was presented", name_of(approval.index));
      });
    }
  }
  rows.finish(extra);
}

void Checker::extra_presented(const ReadTxn::Row& row) {
  const auto index = from_big_endian<std::uint64_t>(row.key);
  if (index && is_unreadable(*index)) {
    return;
  }
  findings_.add(LogPart::approvals, [&] {
    return index ? fmt::format("there is an approval of entry {}, which used none", *index)
                 : fmt::format("the approval {} as presented belongs to no entry of the log", hex_of(row.key));
  });
}

void Checker::check_executions() {
  SideBySide rows(txn_, Table::executions, progress_, findings_);
  const auto extra = [this](const ReadTxn::Row& row) { extra_key("id", row); };
  for_each_in(audit_.by_id(), audit_.executions(), [&](const AuditedExecution& execution) {
    const auto row = rows.at(text_of(execution.id.view()), extra);
    check_key("id", execution.first_index, rows.failed(), row);
  });
  rows.finish(extra);
}

}  // namespace

void check_tables(const ReadTxn& txn, const LogAudit& audit, const CheckProgress& progress, LogReport& report) {
  Checker checker(txn, audit, progress, report.findings);
  checker.check_claims(report);
  checker.check_nonces(report);
  checker.check_results(report);
  checker.check_approvals(report);
  checker.check_presented();
  checker.check_executions();
  for (const LogPart part : {LogPart::claims, LogPart::results, LogPart::approvals}) {
    report.findings.checked(part);
  }
}

}  // namespace openexec
