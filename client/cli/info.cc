// SPDX-License-Identifier: Apache-2.0
#include "client/cli/daemon_call.h"

namespace openexec::cli {

Run set_up_info(App& app) {
  app.footer("Example:\n  openexec info");
  return [](const Globals& globals) {
    const Screen screen(globals);
    const auto info = ask(globals, screen, "info");
    if (!info) {
      return info.error();
    }
    const std::string* service = info->find_string("service");
    const std::string* status = info->find_string("status");
    const std::string* version = info->find_string("version");
    if (!screen.human() || service == nullptr || status == nullptr || version == nullptr) {
      screen.document(*info);
      return Exit::done;
    }
    screen.row(printable(*status), printable(*service) + " " + printable(*version),
               *status == "running" ? Colour::green : Colour::plain);
    return Exit::done;
  };
}

}  // namespace openexec::cli
