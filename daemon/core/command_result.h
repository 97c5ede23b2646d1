// SPDX-License-Identifier: Apache-2.0
// What a command's process left behind, as the result of its action.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "daemon/core/command.h"
#include "daemon/core/registry.h"

namespace openexec {

// What was written to one descriptor. Somewhat more than output_bytes_max is kept, so that a secret or a character that
// begins before the bound is seen whole.
struct CapturedOutput {
  std::string bytes;
  bool cut = false;  // more was written than is kept
};

struct ProcessOutcome {
  ProcessEnd end;
  bool timed_out = false;
  std::int64_t duration_us = 0;
};

// The most that is worth keeping of one descriptor.
std::size_t captured_bytes_max(const Command& command, std::span<const std::string_view> secrets);

// {"exit_code" | "signal", "stdout", "stderr", "truncated"}: docs/actions.md. Every secret is replaced wherever it
// stands whole, also behind escapes, before anything is cut or parsed, and again in the parsed JSON. A process that
// ended with another code than 0, or was killed, or whose JSON is none, is `failed`; one that was stopped at its
// timeout is `timed_out`.
RunResult command_result(const Command& command, const ProcessOutcome& outcome, CapturedOutput standard_output,
                         CapturedOutput standard_error, std::span<const std::string_view> secrets);

// A command that could not be started: `failed`, with {"error": why}. It had no effect.
RunResult not_started_result(std::string_view why);
// A command that may have been started, and of whose end nothing is known: `failed`, and its error says so.
RunResult lost_result();

}  // namespace openexec
