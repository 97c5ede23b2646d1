// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <expected>
#include <string>

#include "tests/bench/load.h"
#include "tests/bench/request_lines.h"

namespace openexec::bench {

// What is sent: while the clock runs nothing is signed or encoded.
struct Sending {
  const RequestLines& lines;
  bool again = false;  // when the lines are over they begin again, and none is ever the last
};

// Sends until the time or the number is reached or the lines are over, and fills in what it measured. The receipts have
// their places already; for Scenario::replay they are those that must be answered.
std::expected<void, std::string> drive(const LoadOptions& options, const Sending& sending, LoadReport& report);

}  // namespace openexec::bench
