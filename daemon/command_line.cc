// SPDX-License-Identifier: Apache-2.0
#include "daemon/command_line.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "daemon/core/service.h"

namespace openexec {
namespace {

constexpr const char* about = "Runs exactly what somebody approved, once, and keeps a record of it.";

constexpr const char* footer =
    "Without a configuration it runs demo mode: nothing is signed, and every registered action may run.\n\n"
    "Examples:\n"
    "  openexecd\n"
    "  CLAWSHIELD_PUBLIC_KEY=ops.pub CLAWSHIELD_TENANT_ID=acme openexecd --mode clawshield\n"
    "  openexecd --config /etc/openexec/openexec.toml --check\n\n"
    "Environment: OPENEXEC_MODE, CLAWSHIELD_PUBLIC_KEY, CLAWSHIELD_TENANT_ID, OPENEXEC_ALLOWED_ACTIONS, "
    "OPENEXEC_DB_URL,\n"
    "OPENEXEC_SOCKET. Flags go over the environment, the environment over the file.";

}  // namespace

std::variant<CommandLine, PrintAndExit, UsageError> parse_command_line(int argc, const char* const* argv) {
  try {
    CommandLine out;
    bool show_version = false;
    CLI::App app(about, "openexecd");
    app.footer(footer);
    app.add_option("--config", out.config, "Configuration file (default /etc/openexec/openexec.toml, if there is one)");
    app.add_option("--socket", out.socket, "Path of the agent socket");
    app.add_option("--mode", out.mode, "demo or clawshield");
    app.add_flag("--check", out.check, "Check the configuration and exit; nothing is made or started");
    app.add_flag("--version", show_version, "Print the version and exit");
    try {
      app.parse(argc, argv);
    } catch (const CLI::CallForHelp&) {
      std::string help = app.help();
      help.erase(help.find_last_not_of('\n') + 1);  // versions of CLI11 differ in how it ends
      return PrintAndExit{help + "\n"};
    } catch (const CLI::ParseError& error) {
      return UsageError{fmt::format("{}; openexecd --help lists the options", error.what())};
    }
    if (show_version) {
      return PrintAndExit{fmt::format("openexecd {}\n", version)};
    }
    return out;
  } catch (const std::exception& error) {
    return UsageError{error.what()};
  }
}

}  // namespace openexec
