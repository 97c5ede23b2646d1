// SPDX-License-Identifier: Apache-2.0
#include "daemon/actions/place.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <utility>

namespace openexec {
namespace {

namespace fs = std::filesystem;

std::optional<FileId> id_of(const fs::path& path) {
  struct stat status{};
  if (fstatat(AT_FDCWD, path.c_str(), &status, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) != 0) {
    return std::nullopt;
  }
  return FileId{status.st_dev, status.st_ino};
}

// Of the path, which has no links, and every folder above it.
void add_ids(std::vector<FileId>& out, fs::path path) {
  for (bool is_root = false; !is_root; path = path.parent_path()) {
    if (const auto id = id_of(path); id.has_value()) {
      out.push_back(*id);
    }
    is_root = !path.has_relative_path();
  }
}

bool begins_with(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

bool is_among(const std::optional<FileId>& id, const std::vector<FileId>& all) {
  return id.has_value() && std::ranges::find(all, *id) != all.end();
}

}  // namespace

std::optional<Place> Place::of(const std::string& path) {
  auto way = followed(path);
  if (!way.has_value()) {
    return std::nullopt;
  }
  Place out;
  out.id_ = id_of(way->end);
  add_ids(out.above_, way->end);
  out.on_way_ = out.above_;
  for (const fs::path& link : way->links) {
    add_ids(out.on_way_, link.parent_path());
  }
  out.way_ = *std::move(way);
  return out;
}

bool Place::lies_in(const Place& folder) const {
  return begins_with(way_.end, folder.way_.end) || is_among(folder.id_, above_);
}

bool Place::is_held_by(const Place& folder) const {
  return lies_in(folder) || is_among(folder.id_, on_way_) ||
         std::ranges::any_of(way_.links, [&](const fs::path& link) { return begins_with(link, folder.way_.end); });
}

std::vector<Place> with_mounts_below(const Place& folder, const std::vector<Mount>& mounts) {
  std::vector<Place> out = {folder};
  for (const Mount& mount : mounts) {
    if (begins_with(mount.path, folder.path())) {
      auto place = Place::of(mount.path);
      if (place.has_value()) {
        out.push_back(*std::move(place));
      }
    }
  }
  return out;
}

}  // namespace openexec
