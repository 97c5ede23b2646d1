// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>
#include <utility>

#include "client/cli/input.h"
#include "client/cli/screen.h"
#include "client/cli/witness_folder.h"
#include "proto-json/limits.h"

namespace openexec::cli {
namespace {

struct Arguments {
  std::string name;
  std::string dir;
  std::vector<std::string> logs;
};

std::expected<std::vector<NoteKey>, std::string> read_logs(const Arguments& arguments) {
  std::vector<NoteKey> logs;
  for (const std::string& argument : arguments.logs) {
    auto key = read_vkey_argument("--log", argument, NoteKeyType::ed25519);
    if (!key) {
      return std::unexpected(key.error());
    }
    logs.push_back(*std::move(key));
  }
  if (logs.size() > limits::witness_logs_max) {
    return std::unexpected(fmt::format("--log: a witness has at most {} log keys", limits::witness_logs_max));
  }
  return logs;
}

Exit init(const Globals& globals, const Arguments& arguments) {
  protect_secrets();
  const auto logs = read_logs(arguments);
  const auto dir = witness_dir(arguments.dir);
  if (!logs || !dir || !is_note_key_name(arguments.name)) {
    complain(!logs  ? logs.error()
             : !dir ? dir.error()
                    : "a witness's name has 1 or more characters, no space, no '+' and no control character",
             "openexec witness init --help has an example. No witness was made.");
    return Exit::usage;
  }
  const auto folder = WitnessFolder::make(*dir, arguments.name, *logs);
  if (!folder) {
    complain(folder.error(), "No witness was made. A witness that is there keeps its key: openexec witness show.");
    return Exit::refused;
  }
  const Screen screen(globals);
  const std::string vkey = to_vkey(folder->key());
  if (globals.format == Format::json) {
    screen.document(Json::object({{"dir", printable(*dir)}, {"vkey", vkey}}));
    return Exit::done;
  }
  screen.print(vkey + "\n");
  if (screen.human()) {
    complain(fmt::format("this key is for who verifies; the witness is in {}", printable(*dir)),
             "Keep it off the host whose log it watches, and never put that folder back to an older copy: a witness\n"
             "that has forgotten what it cosigned cannot catch a log that does the same.");
  }
  return Exit::done;
}

}  // namespace

Run set_up_witness_init(App& app) {
  const auto arguments = std::make_shared<Arguments>();
  app.add_option("NAME", arguments->name, "the witness's name in every cosignature, like audit.example/w1").required();
  add_dir_option(app, arguments->dir);
  app.add_option("--log", arguments->logs, "the verifier key of a log to cosign, or @FILE; may be given again");
  app.footer(
      "Prints the witness's verifier key as it is, piped or not: a file that holds it serves --witness @FILE.\n\n"
      "Example:\n  openexec witness init audit.example/w1 --log @vm1.vkey > audit.vkey");
  return [arguments](const Globals& globals) { return init(globals, *arguments); };
}

}  // namespace openexec::cli
