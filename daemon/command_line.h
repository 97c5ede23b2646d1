// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <variant>

namespace openexec {

struct CommandLine {
  std::optional<std::string> config;
  std::optional<std::string> socket;
  std::optional<std::string> mode;
  bool check = false;
};

// Asked for a text, like --help: it goes to standard output.
struct PrintAndExit {
  std::string text;
};
// A usage error, in one line.
struct UsageError {
  std::string message;
};

std::variant<CommandLine, PrintAndExit, UsageError> parse_command_line(int argc, const char* const* argv);

}  // namespace openexec
