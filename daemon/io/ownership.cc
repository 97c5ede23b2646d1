// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/ownership.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "daemon/io/system_error.h"

namespace openexec {

bool owner_is_trusted(const struct stat& status) { return status.st_uid == geteuid() || status.st_uid == 0; }

std::optional<std::string> write_objection(const struct stat& status) {
  if (!owner_is_trusted(status)) {
    return fmt::format("it belongs to uid {}; give it to root or to the daemon's user", status.st_uid);
  }
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return "others may write it; run chmod go-w on it";
  }
  return std::nullopt;
}

std::optional<std::string> folder_objection(const std::string& path) {
  struct stat link{};
  struct stat status{};
  if (lstat(path.c_str(), &link) != 0 || stat(path.c_str(), &status) != 0) {
    return system_message(errno);
  }
  if (!S_ISDIR(status.st_mode)) {
    return "it is no folder";
  }
  return write_objection(owner_is_trusted(link) ? status : link);
}

}  // namespace openexec
