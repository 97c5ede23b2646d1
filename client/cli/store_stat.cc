// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "client/cli/log_report_text.h"
#include "client/cli/store_reader.h"

namespace openexec::cli {

namespace {

struct Arguments {
  std::string dir;
  std::string high_water;
};

std::string size_text(const Json& facts, std::string_view name, std::string_view missing) {
  const Json* size = facts.find(name);
  return size == nullptr || size->is_null() ? std::string(missing)
                                            : fmt::format("to {} entries", with_separators(number_in(facts, name)));
}

void show_store(const Screen& screen, const Json& facts) {
  const std::string tenant = text_in(facts, "tenant_id");
  screen.row("store", fmt::format("{}, {} of {}", text_in(facts, "dir"), with_unit(number_in(facts, "used_bytes")),
                                  with_unit(number_in(facts, "map_size_bytes"))));
  screen.row("mode", fmt::format("{}{}{}", text_in(facts, "mode"), tenant.empty() ? "" : ", tenant ", tenant));
  screen.row("log", fmt::format("{}, epoch {}, {} entries", text_in(facts, "origin"), number_in(facts, "epoch"),
                                with_separators(number_in(facts, "entries"))));
  const std::string key = text_in(facts, "log_key");
  screen.row("log key", key.empty() ? "none yet: no daemon has started on it" : key);
  screen.row("signed", fmt::format("{}; witnessed {}", size_text(facts, "checkpoint", "not yet"),
                                   size_text(facts, "cosigned", "not yet")));
  screen.row("claims", fmt::format("{}, {} of them run now", with_separators(number_in(facts, "claims")),
                                   with_separators(number_in(facts, "running"))));
  const std::string floor = text_in(facts, "approvals_from");
  screen.row("approvals", fmt::format("{} used{}", with_separators(number_in(facts, "approvals")),
                                      floor.empty() ? "" : "; none issued before " + moment_text(floor) + " is taken"));
  screen.row("high water", size_text(facts, "high_water", "no file: this is a copy, or new"));
}

}  // namespace

Run set_up_store_stat(App& app) {
  const auto arguments = std::make_shared<Arguments>();
  app.add_option("DIR", arguments->dir, "the store's folder; when left out, that of the daemon");
  app.add_option("--high-water", arguments->high_water, "its high-water file, where it is not beside the folder");
  app.footer("Example:\n  openexec store stat /var/lib/openexec/store");
  return [arguments](const Globals& globals) {
    const Screen screen(globals);
    const auto dir = store_dir(globals, screen, arguments->dir);
    if (!dir) {
      return dir.error();
    }
    std::vector<std::string> words{"stat", *dir};
    if (!arguments->high_water.empty()) {
      words.insert(words.end(), {"--high-water", arguments->high_water});
    }
    const auto facts = ask_store(words);
    if (!facts) {
      return tell_store_failure(facts.error());
    }
    if (screen.human()) {
      show_store(screen, *facts);
    } else {
      screen.document(*facts);
    }
    return Exit::done;
  };
}

}  // namespace openexec::cli
