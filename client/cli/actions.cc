// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "client/cli/daemon_call.h"

namespace openexec::cli {

Run set_up_actions(CLI::App& app) {
  app.footer("With --json it shows the schema of each payload as well.\n\nExample:\n  openexec actions");
  return [](const Globals& globals) {
    const Screen screen(globals);
    const auto answer = ask(globals, screen, "actions/list");
    if (!answer) {
      return answer.error();
    }
    const Json* member = answer->find("actions");
    const Json::Array* actions = member == nullptr ? nullptr : member->if_array();
    const std::string* registry = answer->find_string("registry");
    if (!screen.human() || actions == nullptr || registry == nullptr) {
      screen.document(*answer);
      return Exit::done;
    }
    const auto text = [](const Json& action, std::string_view key) {
      const std::string* found = action.find_string(key);
      return found == nullptr ? std::string() : printable(*found);
    };
    std::size_t width = 16;
    for (const Json& action : *actions) {
      width = std::max(width, text(action, "name").size());
    }
    for (const Json& action : *actions) {
      screen.print(fmt::format("{:<{}}   {:<9}   {}\n", text(action, "name"), width, text(action, "effect"),
                               text(action, "description")));
    }
    screen.row("registry", shortened(*registry));
    return Exit::done;
  };
}

}  // namespace openexec::cli
