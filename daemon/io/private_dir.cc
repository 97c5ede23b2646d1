// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/private_dir.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "daemon/io/ownership.h"
#include "daemon/io/system_error.h"

namespace openexec {
namespace {

constexpr mode_t private_mode = 0700;

}  // namespace

std::string parent_dir(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) {
    return ".";
  }
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::expected<void, std::string> ensure_private_dir(const std::string& path, MakeDir make) {
  if (mkdir(path.c_str(), private_mode) != 0 && errno == ENOENT && make == MakeDir::all) {
    if (auto above = ensure_private_dir(parent_dir(path), make); !above.has_value()) {
      return above;
    }
    static_cast<void>(mkdir(path.c_str(), private_mode));
  }
  struct stat link{};  // where the path is a link, that too must be nobody else's
  struct stat status{};
  if (lstat(path.c_str(), &link) != 0 || stat(path.c_str(), &status) != 0) {
    return std::unexpected(
        fmt::format("cannot make the folder {}: {}; make it, or choose another", path, system_message(errno)));
  }
  if (!S_ISDIR(status.st_mode)) {
    return std::unexpected(fmt::format("{} is no folder; remove it, or choose another", path));
  }
  if (!owner_is_trusted(link) || !owner_is_trusted(status)) {
    const uid_t owner = owner_is_trusted(link) ? status.st_uid : link.st_uid;
    return std::unexpected(fmt::format("the folder {} belongs to uid {}; choose one of your own", path, owner));
  }
  if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return std::unexpected(fmt::format("others may write in the folder {}; run chmod go-w on it", path));
  }
  return {};
}

}  // namespace openexec
