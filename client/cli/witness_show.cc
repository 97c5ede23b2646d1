// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <memory>
#include <set>
#include <utility>

#include "client/cli/screen.h"
#include "client/cli/witness_folder.h"
#include "proto-json/encoding.h"

namespace openexec::cli {
namespace {

// One log, by its origin.
struct Shown {
  std::string origin;
  std::expected<std::optional<LatestCosigned>, std::string> latest;
};

struct Witness {
  WitnessFolder folder;
  std::vector<NoteKey> logs;
  std::vector<Shown> shown;
  std::size_t evidence = 0;
};

std::expected<Witness, std::string> read_witness(const std::string& given_dir) {
  const auto dir = witness_dir(given_dir);
  auto folder = dir ? WitnessFolder::open(*dir) : std::unexpected(dir.error());
  auto logs = folder ? folder->read_logs() : std::unexpected(folder.error());
  const auto evidence = logs ? folder->evidence_count() : std::unexpected(logs.error());
  if (!evidence) {
    return std::unexpected(evidence.error());
  }
  Witness witness{*std::move(folder), *std::move(logs), {}, *evidence};
  std::set<std::string> origins;
  for (const NoteKey& log : witness.logs) {
    if (origins.insert(log.name).second) {
      witness.shown.push_back({log.name, witness.folder.latest(log.name, witness.logs)});
    }
  }
  return witness;
}

Json to_json(const Witness& witness) {
  Json::Array logs;
  for (const Shown& log : witness.shown) {
    Json::Array keys;
    for (const NoteKey& key : witness.logs) {
      if (key.name == log.origin) {
        keys.emplace_back(to_vkey(key));
      }
    }
    std::vector<Member> members{{"origin", log.origin}, {"vkeys", std::move(keys)}};
    if (!log.latest) {
      members.push_back({"error", log.latest.error()});
    } else if (const auto& latest = *log.latest) {
      members.push_back({"size", static_cast<std::int64_t>(latest->checkpoint.size)});
      members.push_back({"root", to_hex(latest->checkpoint.root.view())});
      members.push_back({"time", static_cast<std::int64_t>(latest->time_s)});
    }
    logs.push_back(Json::object(std::move(members)));
  }
  return Json::object({{"dir", printable(witness.folder.dir())},
                       {"evidence", static_cast<std::int64_t>(witness.evidence)},
                       {"logs", std::move(logs)},
                       {"name", witness.folder.key().name},
                       {"vkey", to_vkey(witness.folder.key())}});
}

void show(const Screen& screen, const Witness& witness) {
  screen.row("witness", printable(witness.folder.key().name));
  screen.row("key", printable(to_vkey(witness.folder.key())));
  screen.row("folder", printable(witness.folder.dir()));
  for (const Shown& log : witness.shown) {
    if (!log.latest) {
      screen.row("damaged", printable(log.latest.error()), Colour::red);
    } else if (const auto& latest = *log.latest) {
      screen.row("log",
                 fmt::format("{:<26} {} entries, root {}, cosigned {}", printable(log.origin),
                             with_separators(latest->checkpoint.size),
                             shortened(to_hex(latest->checkpoint.root.view())), posix_moment_text(latest->time_s)));
    } else {
      screen.row("log", fmt::format("{:<26} nothing cosigned yet", printable(log.origin)));
    }
  }
  if (witness.shown.empty()) {
    screen.row("log", "none: openexec witness trust VKEY adds one", Colour::yellow);
  }
  if (witness.evidence > 0) {
    screen.row("evidence", fmt::format("{} in {}/evidence", witness.evidence, printable(witness.folder.dir())),
               Colour::red);
  }
}

}  // namespace

Run set_up_witness_show(App& app) {
  const auto dir = std::make_shared<std::string>();
  add_dir_option(app, *dir);
  app.footer("Exits with 1 when the record of a log is damaged.\n\nExample:\n  openexec witness show");
  return [dir](const Globals& globals) {
    const auto witness = read_witness(*dir);
    if (!witness) {
      complain(witness.error(), "openexec witness init makes a witness; --dir names one.");
      return Exit::refused;
    }
    const Screen screen(globals);
    if (screen.human()) {
      show(screen, *witness);
    } else {
      screen.document(to_json(*witness));
    }
    for (const Shown& log : witness->shown) {
      if (!log.latest) {
        return Exit::refused;
      }
    }
    return Exit::done;
  };
}

}  // namespace openexec::cli
