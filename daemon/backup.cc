// SPDX-License-Identifier: Apache-2.0
#include "daemon/backup.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "daemon/core/receipt_log.h"
#include "daemon/core/store.h"
#include "daemon/io/private_dir.h"
#include "daemon/io/system_error.h"

namespace openexec {
namespace {

std::string data_path(const std::string& dir) { return dir + "/data.mdb"; }

std::expected<void, std::string> sync_folder(const std::string& path) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || fsync(fd.get()) != 0) {
    return std::unexpected(fmt::format("cannot sync {}: {}", path, system_message(errno)));
  }
  return {};
}

}  // namespace

std::expected<BackupFolder, std::string> BackupFolder::make(const std::string& dir, uid_t reader) {
  if (mkdir(dir.c_str(), S_IRWXU) != 0) {
    return std::unexpected(errno == EEXIST
                               ? fmt::format("{} is there already, and is not written over: name a new folder", dir)
                               : fmt::format("cannot make the folder {}: {}", dir, system_message(errno)));
  }
  BackupFolder folder(dir,
                      UniqueFd(open(data_path(dir).c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)));
  if (!folder.file_ || (reader != geteuid() && fchown(folder.fd(), reader, static_cast<gid_t>(-1)) != 0)) {
    return std::unexpected(fmt::format("cannot make {}: {}", data_path(dir), system_message(errno)));
  }
  return folder;
}

BackupFolder::BackupFolder(BackupFolder&& other) noexcept
    : dir_(std::exchange(other.dir_, {})), file_(std::move(other.file_)) {}

BackupFolder::~BackupFolder() {
  if (!dir_.empty()) {
    unlink(data_path(dir_).c_str());
    rmdir(dir_.c_str());
  }
}

std::expected<void, std::string> BackupFolder::keep() {
  if (fchown(fd(), geteuid(), static_cast<gid_t>(-1)) != 0 || fchmod(fd(), S_IRUSR | S_IWUSR) != 0 ||
      fsync(fd()) != 0) {
    return std::unexpected(fmt::format("cannot sync {}: {}", data_path(dir_), system_message(errno)));
  }
  for (const std::string& folder : {dir_, parent_dir(dir_)}) {
    if (auto synced = sync_folder(folder); !synced.has_value()) {
      return synced;
    }
  }
  dir_.clear();
  return {};
}

std::expected<BackedUp, std::string> copy_store(const std::string& dir, int fd) {
  const auto store = Store::open_to_read(dir);
  if (!store.has_value()) {
    return std::unexpected(store.error());
  }
  if (const auto copied = (*store)->copy_to(fd); !copied) {
    return std::unexpected(fmt::format("cannot copy the store {}: {}", dir, copied.error().message));
  }
  const auto copy = Store::open_copy(fmt::format("/proc/self/fd/{}", fd));
  if (!copy.has_value()) {
    return std::unexpected("the copy cannot be read: " + copy.error());
  }
  const auto txn = (*copy)->read();
  const auto size = txn ? log_size(*txn) : std::unexpected(txn.error());
  if (!size) {
    return std::unexpected("the copy cannot be read: " + size.error().message);
  }
  return BackedUp{(*copy)->origin(), *size, (*copy)->used_bytes()};
}

}  // namespace openexec
