// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "client/cli/log_report_text.h"
#include "client/cli/store_reader.h"
#include "client/cli/terminal.h"

namespace openexec::cli {
namespace {

struct Arguments {
  std::string dir;
  std::string high_water;
  std::string key_file;
  bool yes = false;
};

std::string question(const Json& facts) {
  return fmt::format(
      "  You are about to take over the store {}:\n\n"
      "    log        {}, {} entries\n"
      "    becomes    epoch {}, under a new name and a new key\n\n"
      "  A store that is a copy, or was put back to one, has forgotten what ran since. From here on it refuses every\n"
      "  approval issued before now. In demo mode there are none: a nonce used since then could run once more.\n"
      "  Witnesses and verifiers must be told the new key.\n\n",
      text_in(facts, "dir"), text_in(facts, "origin"), with_separators(number_in(facts, "entries")),
      number_in(facts, "epoch") + 1);
}

// The person's consent, or how to end without it.
std::expected<void, Exit> consent(const Arguments& arguments) {
  if (arguments.yes) {
    return {};
  }
  const auto facts = ask_store({"stat", arguments.dir});
  if (!facts) {
    return std::unexpected(tell_store_failure(facts.error()));
  }
  const Terminal terminal;
  if (!terminal.is_there()) {
    complain("there is no terminal to ask on, so nothing was adopted", "Run it in a terminal, or say --yes.");
    return std::unexpected(Exit::usage);
  }
  if (!terminal.confirms(question(*facts), "Adopt it?")) {
    complain("nothing was adopted");
    return std::unexpected(Exit::refused);
  }
  return {};
}

void show(const Screen& screen, const Json& done) {
  const Json* begun = done.find("was_begun");
  const bool was_begun = begun != nullptr && begun->if_bool() != nullptr && *begun->if_bool();
  screen.row("adopted",
             fmt::format("{}, epoch {}, {} entries{}", text_in(done, "origin"), number_in(done, "epoch"),
                         with_separators(number_in(done, "entries")), was_begun ? "; an earlier run had begun it" : ""),
             Colour::green);
  screen.row("log key", text_in(done, "log_key"));
  if (const std::string old = text_in(done, "old_key"); !old.empty()) {
    screen.row("", fmt::format("the key before is kept in {}", old));
  }
  screen.row("approvals",
             fmt::format("only those issued from {} on are taken", moment_text(text_in(done, "approvals_from"))));
  screen.row("next", "give the new log key to every witness and verifier, then start the daemon");
}

}  // namespace

Run set_up_store_adopt(App& app) {
  const auto arguments = std::make_shared<Arguments>();
  app.add_option("DIR", arguments->dir, "the store's folder; its daemon is stopped").required();
  app.add_option("--high-water", arguments->high_water, "its high-water file, where it is not beside the folder");
  app.add_option("--log-key-file", arguments->key_file,
                 "a new key of your own (PKCS#8 PEM), where [log] key names it; otherwise DIR/log.key is made anew");
  app.add_flag("--yes", arguments->yes, "do not ask");
  app.footer(
      "For a store that was restored from a backup, cloned with its host, or rolled back: the daemon refuses to run "
      "it,\n"
      "since it has forgotten which nonces and approvals were used.\n\n"
      "Example:\n  openexec store adopt /var/lib/openexec/store");
  return [arguments](const Globals& globals) {
    const Screen screen(globals);
    if (const auto consented = consent(*arguments); !consented) {
      return consented.error();
    }
    std::vector<std::string> words{"adopt", arguments->dir};
    if (!arguments->high_water.empty()) {
      words.insert(words.end(), {"--high-water", arguments->high_water});
    }
    if (!arguments->key_file.empty()) {
      words.insert(words.end(), {"--log-key-file", arguments->key_file});
    }
    const auto done = ask_store(words);
    if (!done) {
      return tell_store_failure(done.error());
    }
    if (screen.human()) {
      show(screen, *done);
    } else {
      screen.document(*done);
    }
    return Exit::done;
  };
}

}  // namespace openexec::cli
