// SPDX-License-Identifier: Apache-2.0
// The high-water mark: how far a store's log had come, kept outside of the store. A store that is behind it was put
// back to an older copy and has forgotten nonces and approvals that were used since; one with no mark at all is a copy.
//
//   "openexec high water\n" origin "\n" size of 20 digits "\n" base64(root) "\n" hex SHA-256 of the lines before it
//   "\n"
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "daemon/core/store.h"
#include "proto-json/checkpoint.h"

namespace openexec {

// The same length for every size of one log, so that each text takes the place of the one before it whole.
std::string to_high_water_text(const Checkpoint& log);
// Nothing when it is not as it was written.
std::optional<Checkpoint> read_high_water_text(std::string_view text);

// Why this store may not be run: one line that says what to do. `mark` is nothing when there is none. `adopt_command`:
// what takes the store over, for a person to type.
StoreResult<std::optional<std::string>> why_behind(const Store& store, const std::optional<Checkpoint>& mark,
                                                   const std::string& adopt_command);

}  // namespace openexec
