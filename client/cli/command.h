// SPDX-License-Identifier: Apache-2.0
// What a command of `openexec` is: a row of the table in main.cc.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
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
Run set_up_log(CLI::App& app);
Run set_up_witness(CLI::App& app);
Run set_up_store(CLI::App& app);

// The commands of a command, each in the file of both names.
Run set_up_receipt_show(CLI::App& app);
Run set_up_receipt_verify(CLI::App& app);
Run set_up_log_key(CLI::App& app);
Run set_up_log_checkpoint(CLI::App& app);
Run set_up_log_tail(CLI::App& app);
Run set_up_log_push(CLI::App& app);
Run set_up_log_verify(CLI::App& app);
Run set_up_log_export(CLI::App& app);
Run set_up_witness_init(CLI::App& app);
Run set_up_witness_trust(CLI::App& app);
Run set_up_witness_cosign(CLI::App& app);
Run set_up_witness_show(CLI::App& app);
Run set_up_store_stat(CLI::App& app);
Run set_up_store_backup(CLI::App& app);
Run set_up_store_adopt(CLI::App& app);

// Makes `app` a command that is one of these.
Run set_up_one_of(CLI::App& app, std::span<const Command> commands);

}  // namespace openexec::cli
