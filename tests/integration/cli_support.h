// SPDX-License-Identifier: Apache-2.0
// Runs the real `openexec`.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/json.h"
#include "tests/support/process.h"
#include "tests/support/programs.h"

namespace openexec::test {

struct CliOptions {
  std::string socket{};  // $OPENEXEC_SOCKET; empty: one that nobody serves
  std::vector<std::string> env{};
  std::string stdin_text{};
  std::string directory{};
  bool terminal = false;  // standard input, output and error are a terminal, all of it in Completed::out
};

ProcessOptions cli_process(std::vector<std::string> arguments, CliOptions options);
// Without `terminal` there is no /dev/tty either, wherever the tests run.
Completed cli(std::vector<std::string> arguments, CliOptions options = {});

// Standard output, which must be exactly one JSON document on one line.
Json document(const Completed& completed);

bool contains(std::string_view text, std::string_view part);

// The member of that name, which must be an integer.
std::int64_t number_member(const Json& json, std::string_view name);

void write_file(const std::filesystem::path& path, std::string_view bytes);

// An answer to the request in `line`, as a daemon would send it.
std::string reply_result(const std::string& line, const Json& result);
std::string reply_error(const std::string& line, const Json& error);

}  // namespace openexec::test
