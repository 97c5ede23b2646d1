// SPDX-License-Identifier: Apache-2.0
// What a command of `openexec` is: a row of the table in main.cc.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace openexec::cli {

// The exit codes, the same for every command.
enum class Exit : int {
  done = 0,
  refused = 1,          // denied, failed or invalid
  usage = 2,            // the command line itself is wrong
  unreachable = 3,      // no daemon answered, and nothing was left open by that
  outcome_unknown = 4,  // an execute was sent and its answer is not known
};

enum class Format { automatic, human, json };

// What every command takes.
struct Globals {
  std::optional<std::string> socket;
  Format format = Format::automatic;
  std::int64_t timeout_ms = 0;  // 0: wait for ever
};

// Runs a command whose arguments have been parsed.
using Run = std::function<Exit(const Globals&)>;

struct Command {
  std::string_view name;
  Run (*set_up)(CLI::App& app);  // adds the command's arguments to `app`
  std::string_view help;
};

// One function for each command, each in the file of its name.
Run set_up_execute(CLI::App& app);
Run set_up_call(CLI::App& app);
Run set_up_info(CLI::App& app);
Run set_up_health(CLI::App& app);
Run set_up_ready(CLI::App& app);
Run set_up_version(CLI::App& app);
Run set_up_actions(CLI::App& app);
Run set_up_keygen(CLI::App& app);
Run set_up_approve(CLI::App& app);
Run set_up_receipt(CLI::App& app);

}  // namespace openexec::cli
