// SPDX-License-Identifier: Apache-2.0
#include "client/cli/command.h"

#include <utility>
#include <vector>

#include "proto-json/check.h"

namespace openexec::cli {

Run set_up_one_of(CLI::App& app, std::span<const Command> commands) {
  std::vector<std::pair<CLI::App*, Run>> runs;
  for (const Command& command : commands) {
    CLI::App* subcommand = app.add_subcommand(std::string(command.name), std::string(command.help));
    subcommand->fallthrough();  // so that --socket and the like may stand after it, too
    runs.emplace_back(subcommand, command.set_up(*subcommand));
  }
  app.require_subcommand(1);
  return [runs = std::move(runs)](const Globals& globals) {
    for (const auto& [subcommand, run] : runs) {
      if (subcommand->parsed()) {
        return run(globals);
      }
    }
    OPENEXEC_CHECK(false);  // the parser wants one
    return Exit::usage;
  };
}

}  // namespace openexec::cli
