// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tests/bench/load.h"

namespace openexec::bench {

// One run and what was looked at beside it.
struct LoadLine {
  const LoadOptions& options;
  const LoadReport& report;
  std::optional<std::uint64_t> log_entries_checked;  // nothing: it was not asked for, or they disagree
  std::optional<double> spawns_per_second;           // nothing: it was not asked for, or it cannot be run
};

// For a person: the table's head, and its row, each with its line end.
std::string table_head();
std::string table_row(const LoadLine& line);
// For a program: a JSON object and a line end.
std::string json_line(const LoadLine& line);

}  // namespace openexec::bench
