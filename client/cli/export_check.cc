// SPDX-License-Identifier: Apache-2.0
#include "client/cli/export_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "client/cli/export_folder.h"
#include "client/cli/terminal.h"
#include "proto-json/limits.h"
#include "proto-json/log_audit.h"
#include "proto-json/tile_builder.h"

namespace openexec::cli {
namespace {

Hash hash_at(std::string_view hashes, std::size_t place) {
  return *Hash::from(bytes_of(hashes.substr(place * Hash::size_bytes, Hash::size_bytes)));
}

// Entries are held against the tiles of level 0, and those against the tiles above them and the checkpoint: so the
// part that was changed is named, and not everything that rests on it.
class ExportCheck {
 public:
  ExportCheck(const std::string& dir, const LogTrust& trust)
      : folder_(dir),
        trust_(trust),
        tree_([this](const TilePlace& place, std::string_view hashes) { compare_tile(place, hashes); }) {}

  LogReport run();

 private:
  LogFindings& findings() { return report_.findings; }
  std::optional<std::string> note(std::string_view name);
  void read_tiles(std::uint64_t size, LogAudit& audit);
  void read_place(const TilePlace& place, LogAudit& audit);
  void check_entries(const TilePlace& place, const std::string& hashes, LogAudit& audit);
  void compare_tile(const TilePlace& place, std::string_view hashes);

  const ExportFolder folder_;
  const LogTrust& trust_;
  LogReport report_;
  TileBuilder tree_;
  std::map<std::uint64_t, std::optional<Hash>> roots_;
  bool whole_ = true;          // every hash of level 0 is there
  bool is_compared_ = true;    // and so is every hash above them that there should be
  std::uint64_t missing_ = 0;  // entries that could not be read though their hashes could
};

std::optional<std::string> ExportCheck::note(std::string_view name) {
  auto text = folder_.read(name, limits::note_bytes_max);
  if (!text) {
    findings().add(LogPart::structure, [&] { return text.error(); });
    return std::nullopt;
  }
  return *std::move(text);
}

LogReport ExportCheck::run() {
  findings().checked(LogPart::structure);
  const auto latest = note(checkpoint_file);
  const auto cosigned = note(cosigned_file);
  const LogNotes notes(latest, cosigned, report_);
  if (!report_.checkpoint) {
    if (!latest) {
      findings().add(LogPart::structure, [] { return std::string("checkpoint is missing: the export is not whole"); });
    }
    return std::move(report_);
  }
  for (const std::uint64_t size : notes.sizes()) {
    roots_[size] = size == 0 ? std::optional(empty_root()) : std::nullopt;
  }
  report_.origin = report_.checkpoint->origin;
  LogAudit audit(findings());
  read_tiles(report_.checkpoint->size, audit);
  audit.finish();
  report_.entries = audit.size() - missing_;
  report_.claims = audit.executions().size();
  report_.running = audit.running();
  report_.approvals = audit.approvals().size();
  report_.denied = audit.denied();
  const bool is_read = whole_ && missing_ == 0;
  if (is_read) {
    findings().checked(LogPart::entries);
  }
  if (whole_ && is_compared_) {
    findings().checked(LogPart::tree);
  }
  if (is_read && audit.unreadable() == 0) {
    findings().checked(LogPart::claims);
    findings().checked(LogPart::approvals);
  }
  notes.judge(trust_, std::nullopt, report_.checkpoint->size, [&](std::uint64_t size) {
    const auto found = roots_.find(size);
    return is_read && found != roots_.end() ? found->second : std::nullopt;
  });
  return std::move(report_);
}

void ExportCheck::read_tiles(std::uint64_t size, LogAudit& audit) {
  ProgressLine progress;
  for (std::uint64_t begin = 0; begin < size && whole_; begin += tile_width) {
    read_place({0, begin / tile_width, std::min(tile_width, size - begin)}, audit);
    constexpr std::uint64_t entries_between = 64 * tile_width;
    if (begin % entries_between == 0) {
      progress.show("entries", begin, size);
    }
  }
  if (whole_) {
    tree_.finish();
  }
}

void ExportCheck::read_place(const TilePlace& place, LogAudit& audit) {
  auto hashes = folder_.read_tile(place);
  if (!hashes || hashes->size() != place.width * Hash::size_bytes) {
    whole_ = false;
    findings().add(LogPart::structure, [&] {
      return hashes ? fmt::format("{} does not hold just {} hashes: nothing after it can be checked", path_of(place),
                                  place.width)
                    : hashes.error() + ": nothing after it can be checked";
    });
    return;
  }
  check_entries(place, *hashes, audit);
  report_.nodes += place.width;
  for (std::size_t i = 0; i < place.width; ++i) {
    tree_.append(hash_at(*hashes, i));
    if (const auto wanted = roots_.find(tree_.size()); wanted != roots_.end()) {
      wanted->second = tree_.root();
    }
  }
}

void ExportCheck::check_entries(const TilePlace& place, const std::string& hashes, LogAudit& audit) {
  const auto bundle = folder_.read_bundle_file(place);
  const auto leaves = bundle ? read_bundle(*bundle, place.width) : std::unexpected(bundle.error());
  if (!leaves) {
    findings().add(LogPart::structure, [&] {
      return bundle ? fmt::format("{}: {}", bundle_path_of(place), leaves.error()) : leaves.error();
    });
    missing_ += place.width;
    for (std::uint64_t i = 0; i < place.width; ++i) {
      audit.add_missing();
    }
    return;
  }
  for (std::size_t i = 0; i < place.width; ++i) {
    if (leaf_hash((*leaves)[i]) != hash_at(hashes, i)) {
      findings().add(LogPart::entries, [&] {
        return fmt::format("entry {}: it does not have the hash that {} has for it", audit.size(), path_of(place));
      });
    }
    audit.add((*leaves)[i]);
  }
}

void ExportCheck::compare_tile(const TilePlace& place, std::string_view hashes) {
  if (place.level == 0) {
    return;  // that is where they come from
  }
  const auto stored = folder_.read_tile(place);
  if (!stored || stored->size() != hashes.size()) {
    is_compared_ = false;
    return findings().add(LogPart::structure, [&] {
      return stored ? fmt::format("{} does not hold just {} hashes", path_of(place), place.width) : stored.error();
    });
  }
  report_.nodes += place.width;
  for (std::size_t i = 0; i < place.width; ++i) {
    if (hash_at(*stored, i) != hash_at(hashes, i)) {
      findings().add(LogPart::tree, [&] {
        return fmt::format("{}: hash {} is not that of the {} entries from {} on", path_of(place), i,
                           std::uint64_t{1} << (8 * place.level), (place.index * tile_width + i) << (8 * place.level));
      });
    }
  }
}

}  // namespace

LogReport check_export(const std::string& dir, const LogTrust& trust) { return ExportCheck(dir, trust).run(); }

}  // namespace openexec::cli
