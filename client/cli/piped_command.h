// SPDX-License-Identifier: Apache-2.0
// A command of the user's choice, given a text and asked for another.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace openexec::cli {

struct PipedAnswer {
  std::string out;  // its standard output
  int code = 0;     // as a shell says it: 128 and more for a signal
};

// Runs `/bin/sh -c command` with `input` on its standard input; its standard error is ours, and so is its terminal. It
// is one process group, which is killed when it is not over in `timeout_ms` or answers more than `out_bytes_max`: that
// is an error, as is a shell that cannot be started (texts for a person).
std::expected<PipedAnswer, std::string> run_piped(const std::string& command, std::string_view input,
                                                  std::size_t out_bytes_max, std::int64_t timeout_ms);

}  // namespace openexec::cli
