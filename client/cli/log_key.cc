// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "client/cli/daemon_call.h"

namespace openexec::cli {

Run set_up_log_key(App& app) {
  app.footer(
      "The key is text, so it is printed as it is, piped or not: a file that holds it serves --log-key @FILE. Trust "
      "it\n"
      "only where it came by a way that nobody but the operator can use. Whoever can change what the daemon answers\n"
      "can also change the key.\n\n"
      "Example:\n  openexec log key > vm1.vkey");
  return [](const Globals& globals) {
    const Screen screen(globals);
    const auto health = ask(globals, screen, "health");
    if (!health) {
      return health.error();
    }
    const Json* log = health->find("log");
    const std::string* vkey = log == nullptr ? nullptr : log->find_string("vkey");
    if (vkey == nullptr) {
      complain("the daemon names no log key: it may be of an older release");
      return Exit::refused;
    }
    if (globals.format == Format::json) {
      screen.document(Json::object({{"vkey", *vkey}}));
      return Exit::done;
    }
    screen.print(printable(*vkey) + "\n");
    if (screen.human()) {
      complain("a key is worth what the way is worth that it came by",
               "Give it to who verifies by a way that nobody else can change.");
    }
    return Exit::done;
  };
}

}  // namespace openexec::cli
