// SPDX-License-Identifier: Apache-2.0
// Receipts (docs/formats.md, "Receipts"): one signed-log leaf for each attempt, in JCS form, and the seed's receipt
// hash.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
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
// executed, failed and timed_out: it ran to an end, and its receipt names the result.
bool has_result(ReceiptKind kind);

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

// How a command's process ended.
struct ProcessEnd {
  bool is_signal = false;
  std::int32_t number = 0;  // an exit code, 0 to 255; or a signal's number, 1 to 64
  bool operator==(const ProcessEnd&) const = default;
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
  // those, of a command whose process was started and whose end is known:
  std::optional<ProcessEnd> exit;
  // those and unknown, where a `started` entry came before: its index
  std::optional<std::int64_t> started;
  // denied:
  std::optional<Reason> reason;

  bool operator==(const Receipt&) const = default;
};

// The JCS form: the leaf. At most receipt_bytes_max, which the bounds on names guarantee.
std::string to_leaf(const Receipt& receipt);
// Strict: unknown or ill-typed members are errors (texts for a person).
std::expected<Receipt, std::string> receipt_from_json(const Json& json);

// --- leaves that are no attempt's ---

// Closes a window of time: what was refused or replayed in it without an entry of its own (docs/formats.md).
struct DeniedSummary {
  struct Row {
    std::optional<std::uint32_t> uid;  // nothing: of all further uids
    std::optional<Reason> reason;      // nothing: replays, each answered with a stored result
    std::uint64_t count = 0;           // 1 or more, below 2^53
    bool operator==(const Row&) const = default;
  };
  UtcTime at;     // the window's end
  UtcTime since;  // its begin; later than that where the clock was set back
  std::optional<std::string> tenant_id;
  Mode mode = Mode::demo;
  Hash registry;
  std::vector<Row> rows;  // 1 to summary_rows_max; sorted by uid, then reason, none twice; nothing sorts last
  bool operator==(const DeniedSummary&) const = default;
};

// The order of rows: strict, so that equal rows do not stand side by side.
bool sorts_before(const DeniedSummary::Row& a, const DeniedSummary::Row& b);

// An operator's change of what the daemon is or may do.
struct AdminChange {
  // adopt: the store was a copy, or had been put back: a new epoch of its log begins
  enum class Kind : std::uint8_t { adopt };
  Kind change = Kind::adopt;
  UtcTime at;
  std::optional<std::string> tenant_id;
  Mode mode = Mode::demo;
  // adopt:
  std::uint64_t epoch = 0;  // the new one, 2 or more
  std::string origin;       // the log's name from here on
  std::string log_key;      // the vkey it is signed with from here on: of type ed25519, named as the log
  bool operator==(const AdminChange&) const = default;
};
std::string_view to_text(AdminChange::Kind change);
std::optional<AdminChange::Kind> admin_change_named(std::string_view name);

Json to_json(const DeniedSummary& summary);
Json to_json(const AdminChange& change);

// What a leaf of the log says.
using LeafContent = std::variant<Receipt, DeniedSummary, AdminChange>;
// Aborts on a summary or a change that is not as its comments say.
std::string to_leaf(const LeafContent& content);
// Exactly what to_leaf() writes, byte for byte; the error is a text for a person.
std::expected<LeafContent, std::string> read_leaf(std::string_view leaf);

// The seed's receipt: SHA-256 of "<exec id>:<result in spaced form>".
Hash seed_receipt(std::string_view execution_id, std::string_view result_spaced);

}  // namespace openexec
