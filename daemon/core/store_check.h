// SPDX-License-Identifier: Apache-2.0
// Checks a whole store in one read transaction: every leaf, every hash of the tree, the checkpoints, and that the
// tables beside the log say what the log says, in both directions. One pass over each table and no look-ups, so that a
// million entries take seconds. A running daemon goes on meanwhile.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "daemon/core/store.h"
#include "proto-json/checkpoint.h"
#include "proto-json/log_notes.h"
#include "proto-json/log_report.h"

namespace openexec {

struct StoreCheckRules {
  LogTrust trust;
  std::optional<Checkpoint> high_water;  // read before the check begins
};

// Told now and then, and as each table begins: the table that is being read, how many of its rows were, of how many.
using CheckProgress = std::function<void(std::string_view table, std::uint64_t done, std::uint64_t of)>;

LogReport check_store(const Store& store, const StoreCheckRules& rules, const CheckProgress& progress);

}  // namespace openexec
