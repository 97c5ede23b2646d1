// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>

#include "client/cli/export_check.h"
#include "client/cli/log_report_text.h"
#include "client/cli/store_reader.h"
#include "client/cli/trust.h"

namespace openexec::cli {
namespace {

struct Arguments {
  std::string path;
  TrustArguments trust;
  std::string high_water;
};

Exit tell(const Screen& screen, const Json& report, LogForm form) {
  if (screen.human()) {
    show_log_report(screen, report, form);
  } else {
    screen.document(report);
  }
  return is_ok(report) ? Exit::done : Exit::refused;
}

// A store that is not even whole enough to be read says so in the same form.
Json unreadable(const std::string& why) {
  LogReport report;
  report.findings.add(LogPart::structure, [&] { return why; });
  return to_json(report);
}

Exit verify_store(const Screen& screen, const std::string& dir, const Arguments& arguments, const LogTrust& trust) {
  std::vector<std::string> words{"check", dir};
  if (trust.quorum) {
    words.insert(words.end(), {"--quorum", fmt::format("{}", *trust.quorum)});
  }
  if (trust.log) {
    words.insert(words.end(), {"--log-key", to_vkey(*trust.log)});
  }
  for (const NoteKey& witness : trust.witnesses) {
    words.insert(words.end(), {"--witness", to_vkey(witness)});
  }
  if (!arguments.high_water.empty()) {
    words.insert(words.end(), {"--high-water", arguments.high_water});
  }
  const auto report = ask_store(words);
  return tell(screen, report ? *report : unreadable(report.error().text), LogForm::store);
}

bool is_export(const std::string& path) {
  std::error_code ignored;
  return !std::filesystem::exists(path + "/data.mdb", ignored) &&
         (std::filesystem::exists(path + "/checkpoint", ignored) || std::filesystem::exists(path + "/tile", ignored));
}

Exit verify(const Globals& globals, const Arguments& arguments) {
  const auto trust = read_log_trust(arguments.trust);
  if (!trust) {
    complain(trust.error(), "openexec log verify --help has an example. Nothing was checked.");
    return Exit::usage;
  }
  const Screen screen(globals);
  const auto path = store_dir(globals, screen, arguments.path);
  if (!path) {
    return path.error();
  }
  if (!is_export(*path)) {
    if (::access((*path + "/data.mdb").c_str(), R_OK) != 0) {
      complain(fmt::format("there is no store and no export to read in {}: {}", printable(*path), std::strerror(errno)),
               "Only root and the daemon's own user may read its store.");
      return Exit::refused;
    }
    return verify_store(screen, *path, arguments, *trust);
  }
  if (!arguments.high_water.empty()) {
    complain("--high-water is for a store, and this is an export", "Nothing was checked.");
    return Exit::usage;
  }
  return tell(screen, to_json(check_export(*path, *trust)), LogForm::exported);
}

}  // namespace

Run set_up_log_verify(App& app) {
  const auto arguments = std::make_shared<Arguments>();
  app.add_option("PATH", arguments->path,
                 "the folder of a store, a copy or an export; when left out, the store of the daemon");
  add_trust_options(app, arguments->trust, LogKeyIs::optional);
  app.add_option("--high-water", arguments->high_water,
                 "the store's high-water file, where it is not beside its folder");
  app.footer(
      "Reads all of it: every entry, every hash of the tree, every claim, result and approval. A daemon goes on\n"
      "meanwhile. Only root and the daemon's own user may read a store; anybody may check an export.\n"
      "Exits with 0 when no answer is `no`. What is `not checked` is not proven.\n\n"
      "Example:\n"
      "  openexec log verify --log-key @vm1.vkey --witness @audit.vkey");
  return [arguments](const Globals& globals) { return verify(globals, *arguments); };
}

}  // namespace openexec::cli
