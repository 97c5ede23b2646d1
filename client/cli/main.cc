// SPDX-License-Identifier: Apache-2.0
// openexec: the command line of OpenExec.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "client/cli/command.h"
#include "client/cli/input.h"
#include "client/cli/screen.h"
#include "proto-json/crypto.h"

namespace openexec::cli {
namespace {

constexpr std::array<Command, 13> commands{{
    {"execute", set_up_execute, "Run an action, once"},
    {"call", set_up_call, "Call any method of the daemon"},
    {"info", set_up_info, "Say whether the daemon runs"},
    {"health", set_up_health, "Show its mode, its limits, its log and its warnings"},
    {"ready", set_up_ready, "Say whether it takes new executions"},
    {"version", set_up_version, "Show the daemon's release"},
    {"actions", set_up_actions, "List the actions it can run"},
    {"keygen", set_up_keygen, "Make an approver's key pair"},
    {"approve", set_up_approve, "Sign an approval for exactly one request"},
    {"receipt", set_up_receipt, "Show what the log holds of an attempt, and check its proof"},
    {"log", set_up_log, "Show, witness and check the log"},
    {"witness", set_up_witness, "Cosign other hosts' logs, and catch one that rewrites history"},
    {"store", set_up_store, "Back up a store, look at it, take over a copy"},
}};

std::string overview() {
  std::string out = "openexec runs exactly what somebody approved, once, and can prove it.\n\nCommands:\n";
  for (const Command& command : commands) {
    out += fmt::format("  {:<10} {}\n", command.name, command.help);
  }
  out +=
      "\nEvery command takes:\n"
      "  --socket PATH     the daemon's socket; else $OPENEXEC_SOCKET, else its usual place\n"
      "  --format FORM     auto (for people on a terminal, else one JSON document), human or json\n"
      "  --json            the same as --format json\n"
      "  --timeout TIME    give up waiting for the daemon after 500ms, 30s, 5m; else wait\n"
      "\nExit codes: 0 done, 1 denied or invalid, 2 wrong usage, 3 no daemon answers, 4 outcome unknown.\n"
      "\nExample:\n  openexec execute echo '{\"msg\":\"hello\"}'\n"
      "\nopenexec COMMAND --help says more about each.\n";
  return out;
}

void add_globals(CLI::App& app, Globals& globals) {
  app.add_option_function<std::string>(
      "--socket", [&globals](const std::string& path) { globals.socket = path; }, "the daemon's socket");
  CLI::Option* format = app.add_option_function<std::string>(
      "--format",
      [&globals](const std::string& name) {
        if (name != "auto" && name != "human" && name != "json") {
          throw CLI::ValidationError("--format", "it is auto, human or json");
        }
        globals.format = name == "auto" ? Format::automatic : name == "human" ? Format::human : Format::json;
      },
      "auto, human or json");
  app.add_flag_callback(
         "--json", [&globals] { globals.format = Format::json; }, "the same as --format json")
      ->excludes(format);
  app.add_option_function<std::string>(
      "--timeout",
      [&globals](const std::string& text) {
        const auto timeout_ms = parse_duration_ms(text);
        if (!timeout_ms) {
          throw CLI::ValidationError("--timeout", "it is a whole number and a unit, at most 366 days: 500ms, 30s, 5m");
        }
        globals.timeout_ms = *timeout_ms;
      },
      "give up waiting for the daemon after this long");
}

// The help of the command that was named last.
std::string help_of(const CLI::App& app) {
  const CLI::App* named = &app;
  std::string before;
  while (!named->get_subcommands().empty()) {
    before += before.empty() ? named->get_name() : " " + named->get_name();
    named = named->get_subcommands().front();
  }
  return named == &app ? overview() : named->help(before);
}

Exit run(std::vector<std::string> arguments) {
  const Screen plain(Globals{});
  if (arguments.empty()) {
    plain.print(overview());
    return Exit::usage;
  }
  if (arguments.front() == "help") {  // help COMMAND is COMMAND --help
    arguments.erase(arguments.begin());
    arguments.emplace_back("--help");
  }

  CLI::App app;
  app.name("openexec");
  app.set_version_flag("--version", "openexec " OPENEXEC_VERSION);
  Globals globals;
  add_globals(app, globals);
  std::vector<std::pair<CLI::App*, Run>> runs;
  for (const Command& command : commands) {
    CLI::App* subcommand = app.add_subcommand(std::string(command.name), std::string(command.help));
    subcommand->fallthrough();  // so that --socket and the like may stand after the command, too
    App own(*subcommand);
    runs.emplace_back(subcommand, command.set_up(own));
  }
  try {
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));  // CLI11 takes them last to first
  } catch (const CLI::CallForHelp&) {
    plain.print(help_of(app));
    return Exit::done;
  } catch (const CLI::CallForVersion& version) {
    plain.print(std::string(version.what()) + "\n");
    return Exit::done;
  } catch (const CLI::ParseError& error) {
    complain(printable(error.what()),
             "openexec help lists the commands; openexec COMMAND --help says more about each.");
    return Exit::usage;
  }
  for (const auto& [subcommand, run_command] : runs) {
    if (subcommand->parsed()) {
      return run_command(globals);
    }
  }
  complain("no command is named", "openexec help lists them.");
  return Exit::usage;
}

}  // namespace
}  // namespace openexec::cli

int main(int argc, char** argv) {
  using namespace openexec;
  init_crypto();
  cli::Exit exit = cli::run({argv + (argc > 0 ? 1 : 0), argv + argc});
  if ((std::fflush(stdout) != 0 || std::ferror(stdout) != 0) && exit == cli::Exit::done) {
    cli::complain("standard output could not be written", "What was asked for was done; its answer was not printed.");
    exit = cli::Exit::refused;
  }
  return static_cast<int>(exit);
}
