// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "proto-json/log_notes.h"
#include "proto-json/log_report.h"

namespace openexec::cli {

// Checks an exported log with nothing but its files: every entry, every hash of every tile, the checkpoints, and what
// the log alone can show of claims and approvals. Shows its progress on a terminal.
LogReport check_export(const std::string& dir, const LogTrust& trust);

}  // namespace openexec::cli
