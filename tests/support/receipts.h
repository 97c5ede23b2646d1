// SPDX-License-Identifier: Apache-2.0
// Receipts for tests: one with everything, and any number at random.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "proto-json/note.h"
#include "proto-json/receipt.h"
#include "tests/support/note_keys.h"

namespace openexec {

inline constexpr std::array all_kinds{ReceiptKind::started,   ReceiptKind::executed, ReceiptKind::failed,
                                      ReceiptKind::timed_out, ReceiptKind::unknown,  ReceiptKind::denied};

// A receipt of that kind with every member that the kind can have.
inline Receipt full_receipt(ReceiptKind kind) {
  init_crypto();
  Receipt receipt;
  receipt.kind = kind;
  receipt.at = from_text("2026-11-21T12:00:00.5Z").value();
  receipt.tenant_id = "acme";
  receipt.mode = Mode::clawshield;
  receipt.id = from_uuid_text("a93c8466-c77d-8ee6-b591-ef9623dcf567").value();
  receipt.action = "payment.refund";
  receipt.action_hash = sha256("action");
  receipt.nonce = "n-1";
  receipt.approval = ReceiptApproval{
      sha256("approval"), "3f0e9a52-6c1f-4c55-8d55-0d1a7b0c9e11", {to_hex(sha256("key").view())}, {"ops"}};
  receipt.registry = sha256("registry");
  receipt.peer = {1001, 1002, 1003};
  receipt.trace_id = "trace";
  if (has_result(kind)) {
    receipt.result_hash = sha256("result");
    receipt.receipt = sha256("receipt");
    receipt.duration_us = 310000;
    receipt.exit =
        kind == ReceiptKind::timed_out ? ProcessEnd{true, 15} : ProcessEnd{false, kind == ReceiptKind::failed ? 3 : 0};
  }
  if (has_result(kind) || kind == ReceiptKind::unknown) {
    receipt.started = 40;
  }
  if (kind == ReceiptKind::denied) {
    receipt.reason = Reason::approval_used;
  }
  return receipt;
}

inline DeniedSummary full_summary() {
  init_crypto();
  DeniedSummary summary;
  summary.at = from_text("2026-11-21T12:01:00Z").value();
  summary.since = from_text("2026-11-21T12:00:00.000001Z").value();
  summary.tenant_id = "acme";
  summary.mode = Mode::clawshield;
  summary.registry = sha256("registry");
  summary.rows = {{0, Reason::approval_used, 1},
                  {1000, Reason::parse_error, (std::uint64_t{1} << 53U) - 1},
                  {1000, std::nullopt, 12},
                  {std::nullopt, Reason::overloaded, 7},
                  {std::nullopt, std::nullopt, 8}};
  return summary;
}

inline AdminChange full_change() {
  AdminChange change;
  change.at = from_text("2026-11-21T12:01:00Z").value();
  change.tenant_id = "acme";
  change.mode = Mode::clawshield;
  change.epoch = 2;
  change.origin = "host.example/openexec/epoch-2";
  change.log_key = to_vkey(test_log(change.origin).key());
  return change;
}

// A receipt's leaf as a value.
inline Json to_json(const Receipt& receipt) { return parse_json(to_leaf(receipt)).value(); }

class RandomReceipts {
 public:
  explicit RandomReceipts(std::uint64_t seed) : random_(seed) {}

  DeniedSummary summary() {
    DeniedSummary out;
    out.since = time();
    out.at = time();
    out.mode = coin() ? Mode::clawshield : Mode::demo;
    if (out.mode == Mode::clawshield && coin()) {
      out.tenant_id = name(limits::tenant_id_bytes_max);
    }
    out.registry = hash();
    for (std::uint64_t rows = 1 + below(20); rows > 0; --rows) {
      const auto uid = static_cast<std::uint32_t>(random_() >> below(64));
      out.rows.push_back({coin() ? std::optional(uid) : std::nullopt,
                          coin() ? std::optional(reasons()[below(reasons().size())].reason) : std::nullopt,
                          1 + below((std::uint64_t{1} << 53U) - 1)});
    }
    std::ranges::sort(out.rows, sorts_before);
    const auto twice = std::ranges::unique(
        out.rows, [](const DeniedSummary::Row& a, const DeniedSummary::Row& b) { return !sorts_before(a, b); });
    out.rows.erase(twice.begin(), twice.end());
    return out;
  }

  Receipt next() {
    Receipt receipt;
    receipt.kind = all_kinds[below(all_kinds.size())];
    receipt.at = time();
    receipt.mode = coin() ? Mode::clawshield : Mode::demo;
    if (receipt.mode == Mode::clawshield && coin()) {
      receipt.tenant_id = name(limits::tenant_id_bytes_max);
    }
    std::ranges::copy_n(hash().data.begin(), ExecutionId::size_bytes, receipt.id.data.begin());
    receipt.action = std::string(1 + below(limits::action_bytes_max), 'a');
    receipt.action_hash = hash();
    receipt.nonce = name(limits::nonce_bytes_max);
    if (coin()) {
      receipt.approval = ReceiptApproval{};
      receipt.approval->hash = hash();
      for (std::size_t keys = coin() ? below(4) : 0; keys > 0; --keys) {
        receipt.approval->key_ids.push_back(to_hex(hash().view()));
        receipt.approval->approvers.push_back(name(limits::approver_name_bytes_max));
        receipt.approval->id = "3f0e9a52-6c1f-4c55-8d55-0d1a7b0c9e11";
      }
    }
    receipt.registry = hash();
    receipt.peer = {static_cast<std::uint32_t>(random_()), static_cast<std::uint32_t>(random_()),
                    static_cast<std::int32_t>(random_())};
    if (coin()) {
      receipt.trace_id = name(limits::trace_id_bytes_max);
    }
    if (has_result(receipt.kind)) {
      receipt.result_hash = hash();
      receipt.receipt = hash();
      receipt.duration_us = static_cast<std::int64_t>(below(std::uint64_t{1} << 53U));
      if (coin()) {
        const bool is_signal = coin();
        const auto number = static_cast<std::int32_t>(is_signal ? 1 + below(64) : below(256));
        receipt.exit = ProcessEnd{is_signal, number};
      }
    }
    if ((has_result(receipt.kind) || receipt.kind == ReceiptKind::unknown) && coin()) {
      receipt.started = static_cast<std::int64_t>(below(std::uint64_t{1} << 53U));
    }
    if (receipt.kind == ReceiptKind::denied) {
      receipt.reason = reasons()[below(reasons().size())].reason;
    }
    return receipt;
  }

 private:
  bool coin() { return (random_() & 1U) != 0; }
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  UtcTime time() {
    return {static_cast<std::int64_t>(below(250000000000)) * us_per_s + static_cast<std::int64_t>(below(1000000))};
  }
  Hash hash() { return sha256(std::to_string(random_())); }
  std::string name(std::size_t bytes_max) {
    static const std::vector<std::string> characters{"a",      "\"",         "\\",     " ",         "/",
                                                     "\u00e9", "\u00a0",     "\u20ac", "\u2028",    "\u2029",
                                                     "\ufeff", "\U0001f600", "\uffff", "\U0010ffff"};
    std::string out = "x";
    const std::size_t bytes = 1 + below(bytes_max);
    while (true) {
      const std::string& character = characters[below(characters.size())];
      if (out.size() + character.size() > bytes) {
        return out;
      }
      out += character;
    }
  }

  std::mt19937_64 random_;
};

}  // namespace openexec
