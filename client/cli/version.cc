// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include "client/cli/daemon_call.h"

namespace openexec::cli {

Run set_up_version(App& app) {
  app.footer("The release of openexec itself: openexec --version\n\nExample:\n  openexec version");
  return [](const Globals& globals) {
    const Screen screen(globals);
    const auto answer = ask(globals, screen, "version");
    if (!answer) {
      return answer.error();
    }
    const std::string* version = answer->find_string("version");
    const std::string* timestamp = answer->find_string("timestamp");
    const Json* protocol = answer->find("protocol");
    if (!screen.human() || version == nullptr || timestamp == nullptr || protocol == nullptr) {
      screen.document(*answer);
      return Exit::done;
    }
    screen.row("openexecd", fmt::format("{}   protocol {}   its clock says {}", printable(*version),
                                        compact_text(*protocol), moment_text(*timestamp)));
    return Exit::done;
  };
}

}  // namespace openexec::cli
