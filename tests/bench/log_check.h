// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <expected>
#include <string>

#include "tests/bench/load.h"

namespace openexec::bench {

// Reads every entry that came since the load began and checks that the log and the answers say the same: each answered
// request has exactly one entry, `executed`, with the receipt that was answered, and there is no other. Gives the
// number of entries read; an error is a text that names the first disagreement.
std::expected<std::uint64_t, std::string> check_log(const LoadOptions& options, const LoadReport& report);

// How many entries the log has.
std::expected<std::uint64_t, std::string> log_size(const std::string& socket_path);

}  // namespace openexec::bench
