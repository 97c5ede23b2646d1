// SPDX-License-Identifier: Apache-2.0
// What a command of `openexec` is: a row of the table in main.cc.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace CLI {
class App;
class Option;
}  // namespace CLI

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

// What a command says of its arguments. CLI11 is behind it, and only command.cc and main.cc include that: its headers
// take three times as long to compile as all the rest of a command.
class Option {
 public:
  explicit Option(CLI::Option& option) : option_(&option) {}
  Option& required(bool is_required = true);
  Option& excludes(const Option& other);
  Option& shows_default();

 private:
  CLI::Option* option_;  // the parser's
};

class App {
 public:
  explicit App(CLI::App& app) : app_(&app) {}

  // `value` is set when the line is parsed. It is a text, a whole number, an optional of one, or a list of texts: one
  // for each time that the option is given.
  template <typename T>
  Option add_option(const std::string& names, T& value, const std::string& help);
  Option add_flag(const std::string& names, bool& value, const std::string& help);
  void footer(const std::string& text);
  [[nodiscard]] CLI::App& parser() const { return *app_; }

 private:
  CLI::App* app_;  // the parser's
};

struct Command {
  std::string_view name;
  Run (*set_up)(App& app);  // adds the command's arguments to `app`
  std::string_view help;
};

// One function for each command, each in the file of its name.
Run set_up_execute(App& app);
Run set_up_call(App& app);
Run set_up_info(App& app);
Run set_up_health(App& app);
Run set_up_ready(App& app);
Run set_up_version(App& app);
Run set_up_actions(App& app);
Run set_up_keygen(App& app);
Run set_up_approve(App& app);
Run set_up_receipt(App& app);
Run set_up_log(App& app);
Run set_up_witness(App& app);
Run set_up_store(App& app);

// The commands of a command, each in the file of both names.
Run set_up_receipt_show(App& app);
Run set_up_receipt_verify(App& app);
Run set_up_log_key(App& app);
Run set_up_log_checkpoint(App& app);
Run set_up_log_tail(App& app);
Run set_up_log_push(App& app);
Run set_up_log_verify(App& app);
Run set_up_log_export(App& app);
Run set_up_witness_init(App& app);
Run set_up_witness_trust(App& app);
Run set_up_witness_cosign(App& app);
Run set_up_witness_show(App& app);
Run set_up_store_stat(App& app);
Run set_up_store_backup(App& app);
Run set_up_store_adopt(App& app);

// Makes `app` a command that is one of these.
Run set_up_one_of(App& app, std::span<const Command> commands);

}  // namespace openexec::cli
