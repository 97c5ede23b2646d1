// SPDX-License-Identifier: Apache-2.0
// Receipts (docs/formats.md, "Receipts"): one signed-log leaf for each attempt, in JCS form, and the seed's receipt
// hash.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/bytes.h"
#include "proto-json/error.h"
#include "proto-json/json.h"
#include "proto-json/utc_time.h"

namespace openexec {

enum class Mode : std::uint8_t { demo, clawshield };
std::string_view to_text(Mode mode);
std::optional<Mode> mode_named(std::string_view name);

enum class ReceiptKind : std::uint8_t { started, executed, failed, timed_out, unknown, denied };
std::string_view to_text(ReceiptKind kind);
std::optional<ReceiptKind> receipt_kind_named(std::string_view name);

// Who sent a request, by the kernel's word (SO_PEERCRED).
struct Peer {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::int32_t pid = 0;
  bool operator==(const Peer&) const = default;
};

// How an approval stands in a receipt. One that did not verify enters by hash only: `id` and `key_ids` stay empty.
struct ReceiptApproval {
  Hash hash;  // presented_approval_hash()
  std::optional<std::string> id;
  std::vector<std::string> key_ids;    // hex, of the keys whose signatures verified
  std::vector<std::string> approvers;  // names of those keys in the keyring, same order
  bool operator==(const ReceiptApproval&) const = default;
};

struct Receipt {
  ReceiptKind kind = ReceiptKind::denied;
  UtcTime at;
  std::optional<std::string> tenant_id;  // null in demo mode
  Mode mode = Mode::demo;
  ExecutionId id;
  std::string action;
  Hash action_hash;
  std::string nonce;
  std::optional<ReceiptApproval> approval;
  Hash registry;
  Peer peer;
  std::optional<std::string> trace_id;

  // executed, failed, timed_out:
  std::optional<Hash> result_hash;  // SHA-256 of the result in spaced form
  std::optional<Hash> receipt;      // seed_receipt(id, result)
  std::optional<std::int64_t> duration_us;
  // those and unknown, where a `started` entry came before: its index
  std::optional<std::int64_t> started;
  // denied:
  std::optional<Reason> reason;

  bool operator==(const Receipt&) const = default;
};

Json to_json(const Receipt& receipt);
// The JCS form: the leaf. At most receipt_bytes_max, which the bounds on names guarantee.
std::string to_leaf(const Receipt& receipt);
// Strict: unknown or ill-typed members are errors (texts for a person).
std::expected<Receipt, std::string> receipt_from_json(const Json& json);

// The seed's receipt: SHA-256 of "<exec id>:<result in spaced form>".
Hash seed_receipt(std::string_view execution_id, std::string_view result_spaced);

}  // namespace openexec
