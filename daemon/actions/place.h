// SPDX-License-Identifier: Apache-2.0
// Where a path leads, whatever name it has: links and mounts give one folder several.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "daemon/io/mounts.h"
#include "daemon/paths.h"

namespace openexec {

struct FileId {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const FileId&) const = default;
};

class Place {
 public:
  // It need not be there. Nothing: there are more links on the way than the kernel follows.
  static std::optional<Place> of(const std::string& path);

  [[nodiscard]] const std::filesystem::path& path() const { return way_.end; }
  // Whether this is `folder` or stands anywhere below it.
  [[nodiscard]] bool lies_in(const Place& folder) const;
  // Whether this, or a link on the way to it, is `folder` or stands anywhere below it: whoever may write a folder can
  // turn each link in it.
  [[nodiscard]] bool is_held_by(const Place& folder) const;

 private:
  FollowedPath way_;
  std::optional<FileId> id_;    // where it is there
  std::vector<FileId> above_;   // that and the folders above
  std::vector<FileId> on_way_;  // that and the folders above, of the links as well
};

// The folder, and what is mounted anywhere below it: whoever is given the one is given the others.
std::vector<Place> with_mounts_below(const Place& folder, const std::vector<Mount>& mounts);

}  // namespace openexec
