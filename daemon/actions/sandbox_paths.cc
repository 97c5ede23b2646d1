// SPDX-License-Identifier: Apache-2.0
#include "daemon/actions/sandbox_paths.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "proto-json/encoding.h"
#include "proto-json/names.h"

namespace openexec {
namespace {

namespace fs = std::filesystem;

// /proc/self and what leads there (/dev/fd, /dev/stdin): it would be this process, and nobody's when that ends.
bool is_of_a_process(const fs::path& path) {
  auto part = path.begin();
  if (part == path.end() || ++part == path.end() || *part != "proc" || ++part == path.end()) {
    return false;
  }
  return std::ranges::all_of(part->string(), [](char c) { return c >= '0' && c <= '9'; });
}

std::unexpected<std::string> too_many_links(const std::string& path) {
  return std::unexpected(fmt::format("{}: it leads through too many links", path));
}

enum class Relation { none, lies_in, contains };

// `given`: the path and the mounts below it.
Relation relation(const std::vector<Place>& given, const GuardedPath& said, const Place& guarded) {
  if (said.and_below && given.front().lies_in(guarded)) {
    return Relation::lies_in;
  }
  const bool is_held = std::ranges::any_of(given, [&](const Place& place) {
    return guarded.is_held_by(place) || (said.and_below && place.lies_in(guarded));
  });
  return is_held ? Relation::contains : Relation::none;
}

}  // namespace

std::expected<PathGuard, std::string> PathGuard::of(const GuardedPaths& guarded) {
  auto mounts = read_mounts();
  if (!mounts.has_value()) {
    return std::unexpected(mounts.error());
  }
  auto unreadable = follow(guarded.unreadable);
  auto unwritable = follow(guarded.unwritable);
  if (!unreadable.has_value() || !unwritable.has_value()) {
    return std::unexpected(unreadable.has_value() ? unwritable.error() : unreadable.error());
  }
  PathGuard out;
  out.unreadable_ = *std::move(unreadable);
  out.unwritable_ = *std::move(unwritable);
  out.mounts_ = *std::move(mounts);
  return out;
}

std::expected<std::vector<PathGuard::Guarded>, std::string> PathGuard::follow(const std::vector<GuardedPath>& paths) {
  std::vector<Guarded> out;
  for (const GuardedPath& path : paths) {
    auto place = Place::of(path.path);
    if (!place.has_value()) {
      return too_many_links(path.path);
    }
    out.push_back({path, *std::move(place)});
  }
  return out;
}

std::expected<void, std::string> PathGuard::check(const std::string& said, const std::vector<Place>& given,
                                                  const std::vector<Guarded>& all, PathUse use) {
  for (const Guarded& guarded : all) {
    const Relation found = relation(given, guarded.said, guarded.place);
    if (found != Relation::none) {
      return std::unexpected(fmt::format("{} {} {} ({}), which no command may {}; name other paths", quoted_name(said),
                                         found == Relation::lies_in ? "lies in" : "contains", guarded.said.what,
                                         guarded.said.path, use == PathUse::read ? "read" : "write"));
    }
  }
  return {};
}

std::expected<std::string, std::string> PathGuard::sandbox_path(const std::string& path, PathUse use) const {
  std::error_code error;
  const fs::path canonical = fs::canonical(path, error);
  if (error) {
    return std::unexpected(fmt::format("{}: {}", quoted_name(path), error.message()));
  }
  if (!is_utf8(canonical.native()) || !has_no_control_characters(canonical.native())) {
    return std::unexpected(fmt::format("{} leads to a name that cannot be shown; rename it", quoted_name(path)));
  }
  if (is_of_a_process(canonical)) {
    return std::unexpected(fmt::format("{} is of one process; name other paths", quoted_name(path)));
  }
  const auto place = Place::of(canonical);
  if (!place.has_value()) {
    return too_many_links(quoted_name(path));
  }
  const std::vector<Place> given = with_mounts_below(*place, mounts_);
  auto status = check(path, given, unreadable_, use);
  if (status.has_value() && use == PathUse::write) {
    status = check(path, given, unwritable_, use);
  }
  return status.has_value() ? std::expected<std::string, std::string>(canonical.string())
                            : std::unexpected(status.error());
}

std::vector<GuardedPath> PathGuard::writable_by(const std::string& path) const {
  std::vector<GuardedPath> out;
  const auto place = Place::of(path);
  const std::vector<Place> given = place.has_value() ? with_mounts_below(*place, mounts_) : std::vector<Place>();
  for (const Guarded& guarded : unwritable_) {
    if (!given.empty() && relation(given, guarded.said, guarded.place) != Relation::none) {
      out.push_back(guarded.said);
    }
  }
  return out;
}

}  // namespace openexec
