// SPDX-License-Identifier: Apache-2.0
#include "client/cli/daemon_call.h"

namespace openexec::cli {

Run set_up_ready(App& app) {
  app.footer(
      "Exits with 0 when it is ready and with 1 when it is not.\n\nExample:\n  openexec ready --timeout 5s && echo go");
  return [](const Globals& globals) {
    const Screen screen(globals);
    const auto answer = ask(globals, screen, "ready");
    if (!answer) {
      return answer.error();
    }
    const Json* member = answer->find("ready");
    const bool* ready = member == nullptr ? nullptr : member->if_bool();
    const bool is_ready = ready != nullptr && *ready;
    if (!screen.human() || ready == nullptr) {
      screen.document(*answer);
    } else if (is_ready) {
      screen.row("ready", "new executions are taken", Colour::green);
    } else {
      screen.row("not ready", "the daemon stops, or its store cannot be written: openexec health says more",
                 Colour::red);
    }
    return is_ready ? Exit::done : Exit::refused;
  };
}

}  // namespace openexec::cli
