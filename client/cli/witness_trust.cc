// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>

#include "client/cli/input.h"
#include "client/cli/screen.h"
#include "client/cli/witness_folder.h"

namespace openexec::cli {
namespace {

struct Arguments {
  std::string vkey;
  std::string dir;
};

std::expected<void, std::string> add(const std::string& dir, const NoteKey& log) {
  const auto folder = WitnessFolder::open(dir);
  if (!folder) {
    return std::unexpected(folder.error());
  }
  const auto locked = folder->lock();
  return locked ? folder->add_log(log) : std::unexpected(locked.error());
}

Exit trust(const Globals& globals, const Arguments& arguments) {
  const auto dir = witness_dir(arguments.dir);
  const auto log = read_vkey_argument("VKEY", arguments.vkey, NoteKeyType::ed25519);
  if (!dir || !log) {
    complain(!log ? log.error() : dir.error(), "openexec log key prints a log's. Nothing was changed.");
    return Exit::usage;
  }
  if (const auto added = add(*dir, *log); !added) {
    complain(added.error(), "Nothing was changed. openexec witness init makes a witness.");
    return Exit::refused;
  }
  const Screen screen(globals);
  if (screen.human()) {
    screen.row("trusted", printable(log->name), Colour::green);
  } else {
    screen.document(Json::object({{"trusted", to_vkey(*log)}}));
  }
  return Exit::done;
}

}  // namespace

Run set_up_witness_trust(App& app) {
  const auto arguments = std::make_shared<Arguments>();
  app.add_option("VKEY", arguments->vkey, "the log's verifier key, or @FILE").required();
  add_dir_option(app, arguments->dir);
  app.footer("Example:\n  openexec witness trust @vm2.vkey");
  return [arguments](const Globals& globals) { return trust(globals, *arguments); };
}

}  // namespace openexec::cli
