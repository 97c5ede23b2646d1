// SPDX-License-Identifier: Apache-2.0
// Reads a whole log, leaf after leaf, and says what in it does not fit together: what the log alone can show, with no
// table beside it. Times are not compared: clocks are set back.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "proto-json/bytes.h"
#include "proto-json/log_report.h"
#include "proto-json/receipt.h"

namespace openexec {

// What an audit remembers of an execution that was claimed: 152 bytes, and 8 for its places in the two orders.
struct AuditedExecution {
  ClaimKey claim;
  ExecutionId id;
  std::uint64_t first_index = 0;  // its first entry
  std::uint64_t index = 0;        // its latest entry
  UtcTime at;                     // of its latest entry
  std::int64_t duration_us = 0;   // this and the hashes: of a kind that has a result
  Hash result_hash;
  Hash receipt;
  ReceiptKind kind = ReceiptKind::started;  // of its latest entry: started while it has no outcome
};

// An approval that was used, by the entry that used it.
struct AuditedApproval {
  ApprovalKey key;
  ClaimKey claim;
  Hash presented;  // presented_approval_hash()
  std::uint64_t index = 0;
};

class LogAudit {
 public:
  // `findings` outlives the audit. `mode`: of every entry; when nothing is said, that of the first.
  explicit LogAudit(LogFindings& findings, std::optional<Mode> mode = {}) : findings_(findings), mode_(mode) {}

  // The next leaf.
  void add(std::string_view leaf);
  // There is no next leaf where one must be; whoever knows that has said so.
  void add_missing();
  // How many will come, about: room for what is remembered of them.
  void expect(std::uint64_t leaves);
  // After the last. What two entries may not share is found here.
  void finish();

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint64_t denied() const { return denied_; }
  [[nodiscard]] std::uint64_t running() const { return open_.size(); }
  // That entry is missing or cannot be read: nothing can be held against what refers to it.
  [[nodiscard]] bool is_unreadable(std::uint64_t index) const { return unreadable_.contains(index); }
  [[nodiscard]] std::size_t unreadable() const { return unreadable_.size(); }
  // The latest change of the log's name and key.
  [[nodiscard]] const std::optional<AdminChange>& adopted() const { return adopted_; }
  [[nodiscard]] std::uint64_t adopted_at() const { return adopted_at_; }

  // From finish() on. Places in `executions`, in the order of claim keys and of ids.
  [[nodiscard]] const std::vector<AuditedExecution>& executions() const { return executions_; }
  [[nodiscard]] std::span<const std::uint32_t> by_claim() const { return by_claim_; }
  [[nodiscard]] std::span<const std::uint32_t> by_id() const { return by_id_; }
  // In the order of their keys.
  [[nodiscard]] const std::vector<AuditedApproval>& approvals() const { return approvals_; }

 private:
  // A `started` entry that waits for its outcome.
  struct Open {
    Receipt receipt;
    std::size_t place = 0;  // in executions_
  };

  void add_content(const Receipt& receipt, std::uint64_t index);
  void add_content(const DeniedSummary& summary, std::uint64_t index);
  void add_content(const AdminChange& change, std::uint64_t index);
  void add_first(const Receipt& receipt, std::uint64_t first_index, std::uint64_t index);
  void add_outcome(const Receipt& receipt, std::uint64_t index);
  void add_approval(const Receipt& receipt, const ClaimKey& claim, std::uint64_t index);
  void check_mode(Mode mode, std::uint64_t index);
  void find_twins();

  LogFindings& findings_;
  std::optional<Mode> mode_;
  std::uint64_t size_ = 0;
  std::uint64_t denied_ = 0;
  std::optional<AdminChange> adopted_;
  std::uint64_t adopted_at_ = 0;
  std::vector<AuditedExecution> executions_;
  std::vector<AuditedApproval> approvals_;
  std::unordered_map<std::uint64_t, Open> open_;  // by the index of the `started` entry
  std::unordered_set<std::uint64_t> unreadable_;  // entries that are missing or cannot be read
  std::vector<std::uint32_t> by_claim_;
  std::vector<std::uint32_t> by_id_;
};

}  // namespace openexec
