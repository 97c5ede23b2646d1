// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "client/cli/screen.h"
#include "proto-json/json.h"

namespace openexec::cli {

// What was checked: a store has tables, an export files.
enum class LogForm { store, exported };

// A report (proto-json/log_report.h) for a person: a line for each question, then what does not fit.
void show_log_report(const Screen& screen, const Json& report, LogForm form);
bool is_ok(const Json& report);

}  // namespace openexec::cli
