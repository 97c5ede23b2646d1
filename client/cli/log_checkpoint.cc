// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "client/cli/daemon_call.h"

namespace openexec::cli {

Run set_up_log_checkpoint(App& app) {
  const auto is_cosigned = std::make_shared<bool>(false);
  app.add_flag("--cosigned", *is_cosigned, "the latest one that witnesses cosigned, with their cosignatures");
  app.footer(
      "A signed note (c2sp.org/tlog-checkpoint). It is text, so it is printed as it is, piped or not.\n\n"
      "Example:\n  openexec log checkpoint");
  return [is_cosigned](const Globals& globals) {
    const Screen screen(globals);
    const auto answer = ask(globals, screen, "log/checkpoint");
    if (!answer) {
      return answer.error();
    }
    const std::string* note = answer->find_string(*is_cosigned ? "cosigned" : "checkpoint");
    if (note == nullptr) {
      complain(*is_cosigned ? "no witness has cosigned this log yet" : "the daemon gave no checkpoint",
               *is_cosigned ? "openexec log push has one do it." : "");
      return Exit::refused;
    }
    if (globals.format == Format::json) {
      screen.document(*answer);
    } else {
      print_lines(screen, *note);
    }
    return Exit::done;
  };
}

}  // namespace openexec::cli
