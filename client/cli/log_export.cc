// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "client/cli/daemon_call.h"
#include "client/cli/export_folder.h"
#include "client/cli/input.h"
#include "client/cli/terminal.h"
#include "proto-json/canonical.h"
#include "proto-json/checkpoint.h"
#include "proto-json/limits.h"
#include "proto-json/merkle.h"
#include "proto-json/tile_builder.h"

namespace openexec::cli {
namespace {

struct Arguments {
  std::string dir;
  std::string log_key;
};

template <typename T>
using Done = std::expected<T, Exit>;

std::unexpected<Exit> refuse(std::string_view what, std::string_view next = {}) {
  complain(what, next);
  return std::unexpected(Exit::refused);
}

// What the daemon has signed, and what the folder has.
struct Signed {
  std::string note;
  Checkpoint checkpoint;
};

Done<Signed> open_note(std::string_view whose, std::string note, const NoteKey& key) {
  const auto read = read_note(note);
  auto checkpoint = read ? open_checkpoint(*read, key) : std::unexpected(read.error());
  if (!checkpoint) {
    return refuse(fmt::format("{}: {}", whose, printable(checkpoint.error())));
  }
  return Signed{std::move(note), *std::move(checkpoint)};
}

// Writes the entries from a size on, and the tiles that they complete.
class Export {
 public:
  Export(const Globals& globals, const Screen& screen, const ExportFolder& folder)
      : globals_(globals), screen_(screen), folder_(folder) {}

  // The folder has the log of that size already.
  Done<void> resume(const Checkpoint& before);
  Done<void> fetch(std::uint64_t size);
  Done<void> finish(const Signed& latest, const std::optional<std::string>& cosigned, std::uint64_t before);

  [[nodiscard]] Hash root() const { return tree_.root(); }

 private:
  TileBuilder::Sink sink() {
    return [this](const TilePlace& place, std::string_view hashes) { put(path_of(place), hashes); };
  }
  void put(const std::string& name, std::string_view bytes);
  void append(std::string_view leaf);
  Done<void> append_page(const Json& page, std::uint64_t size);

  const Globals& globals_;
  const Screen& screen_;
  const ExportFolder& folder_;
  TileBuilder tree_{sink()};
  std::string bundle_;  // of the entries of the tile that is not whole yet
  std::optional<std::string> failure_;
  ProgressLine progress_;
};

void Export::put(const std::string& name, std::string_view bytes) {
  if (failure_) {
    return;
  }
  if (const auto written = folder_.write(name, bytes); !written) {
    failure_ = written.error();
  }
}

Done<void> Export::resume(const Checkpoint& before) {
  const auto not_whole = [&](std::string_view why) {
    return refuse(fmt::format("{} is not a whole export: {}", printable(folder_.dir()), printable(why)),
                  "openexec log verify says more. Export to a new folder.");
  };
  std::vector<std::string> hashes;
  for (const TilePlace& place : partial_tiles(before.size)) {
    auto tile = folder_.read_tile(place);
    if (!tile) {
      return not_whole(tile.error());
    }
    hashes.push_back(*std::move(tile));
    if (place.level == 0) {
      auto bundle = folder_.read_bundle_file(place);
      const auto leaves = bundle ? read_bundle(*bundle, place.width) : std::unexpected(bundle.error());
      if (!leaves) {
        return not_whole(leaves.error());
      }
      std::string computed;
      for (const std::string_view leaf : *leaves) {
        computed += text_of(leaf_hash(leaf).view());
      }
      if (computed != hashes.back()) {
        return not_whole(bundle_path_of(place) + " does not hold the entries that it should");
      }
      bundle_ = *std::move(bundle);
    }
  }
  auto tree = TileBuilder::resume(before.size, hashes, sink());
  if (!tree || tree->root() != before.root) {
    return not_whole("its tiles do not make the root that its checkpoint signs");
  }
  tree_ = *std::move(tree);
  return {};
}

void Export::append(std::string_view leaf) {
  append_bundle_entry(bundle_, leaf);
  tree_.append(leaf_hash(leaf));
  if (tree_.size() % tile_width == 0) {
    put(entry_tile_path(tree_.size() / tile_width - 1, tile_width), std::exchange(bundle_, {}));
  }
}

Done<void> Export::append_page(const Json& page, std::uint64_t size) {
  const Json* member = page.find("entries");
  const Json::Array* entries = member == nullptr ? nullptr : member->if_array();
  if (entries == nullptr || entries->empty() || entries->size() > size - tree_.size()) {
    return refuse("the daemon's answer to log/entries is none", "openexec version tells which release it is.");
  }
  for (const Json& entry : *entries) {
    if (entry.is_null()) {
      return refuse(fmt::format("entry {} belongs to another user, and an export needs them all", tree_.size()),
                    "Run it as root, as the daemon's own user, or as one that [log] reader_uids names.");
    }
    const std::string leaf = to_jcs(entry);
    if (leaf.size() > limits::receipt_bytes_max) {
      return refuse(fmt::format("entry {} is too long for a leaf", tree_.size()));
    }
    append(leaf);
  }
  return {};
}

Done<void> Export::fetch(std::uint64_t size) {
  while (tree_.size() < size && !failure_) {
    const auto limit = std::min<std::uint64_t>(limits::log_entries_max, size - tree_.size());
    const auto page = ask(globals_, screen_, "log/entries",
                          Json::object({{"start", static_cast<std::int64_t>(tree_.size())},
                                        {"limit", static_cast<std::int64_t>(limit)}}));
    if (!page) {
      return std::unexpected(page.error());
    }
    if (const auto appended = append_page(*page, size); !appended) {
      return appended;
    }
    progress_.show("entries", tree_.size(), size);
  }
  progress_.clear();
  return {};
}

Done<void> Export::finish(const Signed& latest, const std::optional<std::string>& cosigned, std::uint64_t before) {
  if (tree_.root() != latest.checkpoint.root) {
    return refuse("the entries that the daemon gave do not make the tree that it signed: nothing was exported",
                  "openexec log verify, on the daemon's host, says what is wrong with its store.");
  }
  tree_.finish();
  if (!bundle_.empty()) {
    put(entry_tile_path(tree_.size() / tile_width, tree_.size() % tile_width), bundle_);
  }
  if (cosigned) {
    put(std::string(cosigned_file), *cosigned);
  }
  auto done = failure_ ? std::unexpected(*failure_) : folder_.sync();
  done = done ? folder_.write(std::string(checkpoint_file), latest.note) : done;  // last: it names what is there
  done = done ? folder_.sync() : done;
  if (!done) {
    return refuse(printable(done.error()), "The export is not whole. Run it again: it goes on from where it was.");
  }
  if (before != tree_.size()) {
    for (const TilePlace& place : partial_tiles(before)) {  // wider ones stand beside them now
      const auto now = partial_tiles(tree_.size());
      if (std::ranges::any_of(now, [&](const TilePlace& kept) { return path_of(kept) == path_of(place); })) {
        continue;
      }
      folder_.remove(path_of(place));
      if (place.level == 0) {
        folder_.remove(bundle_path_of(place));
      }
    }
  }
  return {};
}

// The key that signs the log: the one given, else the daemon's.
Done<NoteKey> key_of(const Globals& globals, const Screen& screen, const Arguments& arguments) {
  std::string vkey = arguments.log_key;
  if (vkey.empty()) {
    const auto health = ask(globals, screen, "health");
    if (!health) {
      return std::unexpected(health.error());
    }
    const Json* log = health->find("log");
    const std::string* named = log == nullptr ? nullptr : log->find_string("vkey");
    if (named == nullptr) {
      return refuse("the daemon names no log key", "openexec version tells which release it is.");
    }
    vkey = *named;
  }
  auto key = read_vkey_argument("--log-key", vkey, NoteKeyType::ed25519);
  if (!key) {
    complain(key.error());
    return std::unexpected(Exit::usage);
  }
  return *std::move(key);
}

// What the folder has; nothing when it is a new one.
Done<std::optional<Checkpoint>> begin_folder(const ExportFolder& folder, const NoteKey& key) {
  if (const auto made = folder.make(); !made) {
    return refuse(printable(made.error()), "Name a new folder, or one that an earlier export made.");
  }
  const auto note = folder.read(checkpoint_file, limits::note_bytes_max);
  if (!note) {
    return refuse(printable(note.error()));
  }
  if (!*note) {
    return std::nullopt;
  }
  const auto before =
      open_note(printable(folder.dir()) + " holds the export of another log, or was changed", **note, key);
  return before ? Done<std::optional<Checkpoint>>(before->checkpoint) : std::unexpected(before.error());
}

// Whether the log begins with what the folder has of it. Where it does not, nothing of it is fetched: the two
// checkpoints are evidence, and the folder is the only one that has the entries of the first.
Done<void> check_goes_on(const Globals& globals, const Screen& screen, const ExportFolder& folder,
                         const Checkpoint& before, const Signed& latest) {
  const std::uint64_t size = latest.checkpoint.size;
  const auto proof = ask_consistency(globals, screen, before.size, size);
  if (!proof) {
    return std::unexpected(proof.error());
  }
  if (verify_consistency(before.size, size, before.root, latest.checkpoint.root, *proof)) {
    return {};
  }
  const auto kept = folder.write_once(forked_file, latest.note);
  return refuse(
      fmt::format("the log has another history than this export: it has {} entries, and does not show that they begin "
                  "with the {} that {} holds",
                  size, before.size, printable(folder.dir())),
      fmt::format(
          "A copy of its store was continued, or entries were changed. Nothing was exported. {}\n"
          "Keep that folder: it has the entries of the first history. openexec log push shows the second one to "
          "the\nwitness. Export to a new folder, and compare the two.",
          kept ? fmt::format("Its checkpoint is kept there as\n{}, beside the folder's own: both are signed.",
                             forked_file)
               : fmt::format("Its checkpoint is\nnot kept: {}.", kept.error())));
}

Done<Json> export_log(const Globals& globals, const Screen& screen, const Arguments& arguments) {
  const auto key = key_of(globals, screen, arguments);
  const auto notes = key ? ask(globals, screen, "log/checkpoint") : std::unexpected(key.error());
  if (!notes) {
    return std::unexpected(notes.error());
  }
  const std::string* note = notes->find_string("checkpoint");
  if (note == nullptr) {
    return refuse("the daemon gave no checkpoint", "openexec version tells which release it is.");
  }
  const auto latest = open_note("the daemon's checkpoint", *note, *key);
  if (!latest) {
    return std::unexpected(latest.error());
  }
  const std::string* witnessed = notes->find_string("cosigned");
  const auto cosigned = witnessed == nullptr ? std::nullopt : std::optional(*witnessed);

  const ExportFolder folder(arguments.dir);
  const auto before = begin_folder(folder, *key);
  if (!before) {
    return std::unexpected(before.error());
  }
  const std::uint64_t begun_at = *before ? (*before)->size : 0;
  if (begun_at > latest->checkpoint.size) {
    return refuse(fmt::format("the log has {} entries, and {} has {} of it: it was rolled back",
                              latest->checkpoint.size, printable(arguments.dir), begun_at),
                  "Keep the export: with its checkpoint it proves what was there. openexec log push shows it to the\n"
                  "witness.");
  }
  Export exported(globals, screen, folder);
  auto done = *before ? check_goes_on(globals, screen, folder, **before, *latest) : Done<void>();
  done = done && *before ? exported.resume(**before) : done;
  done = done ? exported.fetch(latest->checkpoint.size) : done;
  done = done ? exported.finish(*latest, cosigned, begun_at) : done;
  if (!done) {
    return std::unexpected(done.error());
  }
  return Json::object({{"dir", printable(arguments.dir)},
                       {"origin", latest->checkpoint.origin},
                       {"size", static_cast<std::int64_t>(latest->checkpoint.size)},
                       {"new", static_cast<std::int64_t>(latest->checkpoint.size - begun_at)}});
}

}  // namespace

Run set_up_log_export(App& app) {
  const auto arguments = std::make_shared<Arguments>();
  app.add_option("DIR", arguments->dir, "a new folder, or that of an earlier export, which is brought up to date")
      .required();
  app.add_option("--log-key", arguments->log_key, "the log's verifier key; @FILE; the daemon's own when left out");
  app.footer(
      "Writes the log as files (c2sp.org/tlog-tiles) that any web server can serve and any monitor of such logs can\n"
      "read: entries, the hashes of the tree, and the signed checkpoint, which is written last.\n\n"
      "Example:\n  openexec log export vm1-log\n  openexec log verify vm1-log --log-key @vm1.vkey");
  return [arguments](const Globals& globals) {
    const Screen screen(globals);
    const auto done = export_log(globals, screen, *arguments);
    if (!done) {
      return done.error();
    }
    if (!screen.human()) {
      screen.document(*done);
      return Exit::done;
    }
    screen.row("exported",
               fmt::format("{}, {} entries, {} of them new", text_in(*done, "origin"),
                           with_separators(number_in(*done, "size")), with_separators(number_in(*done, "new"))),
               Colour::green);
    screen.row("folder", printable(arguments->dir));
    return Exit::done;
  };
}

}  // namespace openexec::cli
