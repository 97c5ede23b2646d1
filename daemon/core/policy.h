// SPDX-License-Identifier: Apache-2.0
// What this daemon was told at start and never changes: parsed configuration, without its files and flags.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/error.h"
#include "proto-json/limits.h"
#include "proto-json/note.h"
#include "proto-json/receipt.h"

namespace openexec {

struct Policy {
  Mode mode = Mode::demo;
  // ClawShield mode: the one tenant, or "*" for whichever an approval names. Demo mode: nothing.
  std::optional<std::string> tenant_id;
  // Nothing: every registered action may run. Empty: none may.
  std::optional<std::vector<std::string>> allowed_actions;
  std::int64_t clock_skew_s = limits::clock_skew_s;
  std::int64_t approval_lifetime_s_max = limits::approval_lifetime_s_max;
  std::string origin;              // the log's name, in every LogPosition
  NoteKey log_key;                 // what signs it
  std::vector<NoteKey> witnesses;  // whose cosignatures are kept
  std::uint32_t denied_entries_per_second = limits::denied_entries_per_second;
  // Of each uid, and no more than one second's worth at once; 0: any number.
  std::uint32_t requests_per_second = 0;
  std::size_t runs_max = limits::runs_max;
  std::size_t queued_max = limits::queued_max;
  std::size_t queued_per_action_max = limits::queued_per_action_max;
  std::size_t queued_bytes_max = limits::queued_bytes_max;
  std::size_t in_flight_total_max = limits::in_flight_total_max;

  // Who may talk to the agent socket. Both empty: whoever the socket's mode lets in.
  std::vector<std::uint32_t> allow_uids;
  std::vector<std::uint32_t> allow_gids;
  // Who may read everybody's receipts, beside root and own_uid.
  std::vector<std::uint32_t> reader_uids;
  std::uint32_t own_uid = 0;

  [[nodiscard]] bool any_tenant() const { return tenant_id == "*"; }
};

// Who sent a request: the peer, and all of its groups as the kernel names them.
struct Caller {
  Peer peer;
  std::vector<std::uint32_t> groups;
};

// root and the daemon's own uid always may.
bool may_connect(const Policy& policy, const Caller& caller);
bool may_read_all(const Policy& policy, const Caller& caller);
Error peer_not_allowed_error();

}  // namespace openexec
