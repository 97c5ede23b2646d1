// SPDX-License-Identifier: Apache-2.0
// What no command may be given, whatever its file says: the daemon's own secrets to read, and what decides over what
// runs to write.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "daemon/actions/place.h"

namespace openexec {

struct GuardedPath {
  std::string path;       // a file or a folder, there or not
  std::string what;       // "the store"
  bool and_below = true;  // what lies in it is guarded as well
};

struct GuardedPaths {
  std::vector<GuardedPath> unreadable;  // and not to be written either
  std::vector<GuardedPath> unwritable;
};

enum class PathUse { read, write };

// Guarded paths, followed once.
class PathGuard {
 public:
  // The error says which path cannot be followed.
  static std::expected<PathGuard, std::string> of(const GuardedPaths& guarded);

  // The path without links, which the launcher follows no more. Refused: what is not there, what no message could show,
  // what names another thing for each process, and what is, lies in or contains a guarded path, by whatever name. The
  // error says which, and why.
  [[nodiscard]] std::expected<std::string, std::string> sandbox_path(const std::string& path, PathUse use) const;

  // The guarded paths that a command with that path, which has no links, could write.
  [[nodiscard]] std::vector<GuardedPath> writable_by(const std::string& path) const;

 private:
  struct Guarded {
    GuardedPath said;
    Place place;
  };

  static std::expected<std::vector<Guarded>, std::string> follow(const std::vector<GuardedPath>& paths);
  static std::expected<void, std::string> check(const std::string& said, const std::vector<Place>& given,
                                                const std::vector<Guarded>& all, PathUse use);

  std::vector<Guarded> unreadable_;
  std::vector<Guarded> unwritable_;
  std::vector<Mount> mounts_;
};

}  // namespace openexec
