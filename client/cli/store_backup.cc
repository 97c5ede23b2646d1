// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "client/cli/log_report_text.h"
#include "client/cli/store_reader.h"

namespace openexec::cli {
namespace {

struct Arguments {
  std::string out;
  std::string dir;
};

}  // namespace

Run set_up_store_backup(App& app) {
  const auto arguments = std::make_shared<Arguments>();
  app.add_option("OUT", arguments->out, "a new folder for the copy").required();
  app.add_option("--store", arguments->dir, "the store's folder; when left out, that of the daemon");
  app.footer(
      "The copy is the store as it is in one moment; a daemon goes on meanwhile. It holds results and approvals: keep\n"
      "it as safe as the store. The log's key is not in it: who has a copy must not be able to sign for this log. A\n"
      "copy that is put back needs  openexec store adopt,  which makes a new key.\n\n"
      "Example:\n  openexec store backup /var/backups/openexec-today");
  return [arguments](const Globals& globals) {
    const Screen screen(globals);
    const auto dir = store_dir(globals, screen, arguments->dir);
    if (!dir) {
      return dir.error();
    }
    const auto done = ask_store({"backup", *dir, "--out", arguments->out});
    if (!done) {
      return tell_store_failure(done.error());
    }
    if (!screen.human()) {
      screen.document(*done);
      return Exit::done;
    }
    screen.row("copied",
               fmt::format("{}, {} entries, {}", text_in(*done, "origin"), with_separators(number_in(*done, "entries")),
                           with_unit(number_in(*done, "bytes"))),
               Colour::green);
    screen.row("folder", text_in(*done, "dir"));
    screen.row("", "log.key is not in it: nobody who has a copy can sign for this log");
    screen.row("check it", fmt::format("openexec log verify {}", shell_word(text_in(*done, "dir"))));
    return Exit::done;
  };
}

}  // namespace openexec::cli
