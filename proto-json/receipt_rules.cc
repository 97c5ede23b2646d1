// SPDX-License-Identifier: Apache-2.0
#include "proto-json/receipt_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "proto-json/names.h"
#include "proto-json/note.h"

namespace openexec {
namespace {

std::optional<std::string> ill_formed(std::string_view member) { return fmt::format("{} is ill-formed", member); }

std::optional<std::string> find_tenant_fault(const std::optional<std::string>& tenant_id, Mode mode) {
  if (tenant_id && mode == Mode::demo) {
    return "tenant_id must be null in demo mode";
  }
  return tenant_id && !is_tenant_id(*tenant_id) ? ill_formed("tenant_id") : std::nullopt;
}

std::optional<std::string> find_fault(const ReceiptApproval& approval) {
  if (approval.key_ids.size() != approval.approvers.size() || approval.id.has_value() == approval.key_ids.empty()) {
    return "approval: id, key_ids and approvers must come together";
  }
  if (approval.key_ids.size() > limits::approver_keys_max) {
    return fmt::format("approval: more than {} key_ids", limits::approver_keys_max);
  }
  if (approval.id && !is_uuid_text(*approval.id)) {
    return ill_formed("approval: id");
  }
  if (!std::ranges::all_of(approval.key_ids, [](const std::string& id) { return hash_from_hex(id).has_value(); })) {
    return ill_formed("approval: one of key_ids");
  }
  return std::ranges::all_of(approval.approvers, is_approver_name) ? std::nullopt
                                                                   : ill_formed("approval: one of approvers");
}

bool is_exact(std::optional<std::int64_t> integer) {
  return !integer || (*integer >= 0 && *integer <= exact_integer_max);
}

bool is_process_end(const ProcessEnd& end) {
  return end.is_signal ? end.number >= 1 && end.number <= signal_max : end.number >= 0 && end.number <= exit_code_max;
}

// The members that depend on the kind: each is there exactly when its kind has it (`started` and `exit`: at most then).
std::optional<std::string> find_kind_fault(const Receipt& receipt) {
  bool has_result = false;
  bool may_have_started = false;
  bool has_reason = false;
  switch (receipt.kind) {
    case ReceiptKind::started:
      break;
    case ReceiptKind::executed:
    case ReceiptKind::failed:
    case ReceiptKind::timed_out:
      has_result = true;
      may_have_started = true;
      break;
    case ReceiptKind::unknown:
      may_have_started = true;
      break;
    case ReceiptKind::denied:
      has_reason = true;
      break;
  }
  struct Row {
    std::string_view member;
    bool is_there;
    bool belongs;
  };
  for (const Row& row : {Row{"result_hash", receipt.result_hash.has_value(), has_result},
                         Row{"receipt", receipt.receipt.has_value(), has_result},
                         Row{"duration_us", receipt.duration_us.has_value(), has_result},
                         Row{"exit", receipt.exit.has_value(), has_result && receipt.exit.has_value()},
                         Row{"started", receipt.started.has_value(), may_have_started && receipt.started.has_value()},
                         Row{"reason", receipt.reason.has_value(), has_reason}}) {
    if (row.is_there != row.belongs) {
      return fmt::format("{} {}", row.member, row.belongs ? "is missing" : "does not belong to this kind");
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Hash> hash_from_hex(std::string_view text) {
  Hash hash;
  return decode_hex(text, hash.data) ? std::optional(hash) : std::nullopt;
}

std::optional<UtcTime> time_from_exact_text(std::string_view text) {
  // Only with all six digits of the fraction and a Z is a time as long as that.
  constexpr std::string_view shape = "YYYY-MM-DDThh:mm:ss.ffffffZ";
  return text.size() == shape.size() && text.back() == 'Z' ? from_text(text) : std::nullopt;
}

std::optional<std::string> find_fault(const Receipt& receipt) {
  if (!is_action_name(receipt.action)) {
    return ill_formed("action");
  }
  if (!is_nonce(receipt.nonce)) {
    return ill_formed("nonce");
  }
  if (receipt.trace_id && !is_trace_id(*receipt.trace_id)) {
    return ill_formed("trace_id");
  }
  if (auto fault = find_tenant_fault(receipt.tenant_id, receipt.mode)) {
    return fault;
  }
  if (auto fault = receipt.approval ? find_fault(*receipt.approval) : std::nullopt) {
    return fault;
  }
  if (!is_exact(receipt.duration_us) || !is_exact(receipt.started)) {
    return "duration_us or started is not in range";
  }
  if (receipt.exit && !is_process_end(*receipt.exit)) {
    return "exit is not in range";
  }
  return find_kind_fault(receipt);
}

std::optional<std::string> find_fault(const DeniedSummary& summary) {
  if (auto fault = find_tenant_fault(summary.tenant_id, summary.mode)) {
    return fault;
  }
  if (summary.rows.empty() || summary.rows.size() > limits::summary_rows_max) {
    return fmt::format("rows must be 1 to {}", limits::summary_rows_max);
  }
  if (!std::ranges::all_of(summary.rows, [](const DeniedSummary::Row& row) {
        return row.count >= 1 && row.count <= std::uint64_t{exact_integer_max};
      })) {
    return "a row's count is not in range";
  }
  const auto not_before = [](const DeniedSummary::Row& a, const DeniedSummary::Row& b) { return !sorts_before(a, b); };
  if (std::ranges::adjacent_find(summary.rows, not_before) != summary.rows.end()) {
    return "rows are not in order, or one is there twice";
  }
  return std::nullopt;
}

std::optional<std::string> find_fault(const AdminChange& change) {
  if (auto fault = find_tenant_fault(change.tenant_id, change.mode)) {
    return fault;
  }
  if (change.epoch < 2 || change.epoch > std::uint64_t{exact_integer_max}) {
    return "epoch is not in range";
  }
  const auto key = read_vkey(change.log_key);
  if (!key) {
    return "log_key: " + key.error();
  }
  return key->type == NoteKeyType::ed25519 && key->name == change.origin
             ? std::nullopt
             : std::optional<std::string>("log_key is not a log's key of the name that origin is");
}

}  // namespace openexec
