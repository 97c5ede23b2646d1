// SPDX-License-Identifier: Apache-2.0
// The configuration in words.
#pragma once

#include <string>
#include <string_view>

#include "daemon/config.h"
#include "daemon/core/registry.h"

namespace openexec {

// "clawshield mode: 2 approver keys, tenant acme, 1 of 3 actions (1 command)", for the start's line.
std::string describe(const Config& config, const Registry& registry);

// The text as one line of UTF-8 without control characters: what is none of that becomes '?'. It may quote paths.
std::string one_line(std::string_view text);

// What --check prints: that and the places, a line for each command, the registry's
// digest, warnings, and what was not checked.
std::string check_report(const Config& config, const Registry& registry);

}  // namespace openexec
