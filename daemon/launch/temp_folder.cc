// SPDX-License-Identifier: Apache-2.0
#include "daemon/launch/temp_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>

#include "daemon/launch/plan.h"
#include "proto-json/limits.h"

namespace openexec::launch {
namespace {

constexpr mode_t private_mode = 0700;

bool is_over(Deadline deadline) { return deadline.has_value() && std::chrono::steady_clock::now() >= *deadline; }

UniqueFd open_folder(int parent, const char* name) {
  return UniqueFd(openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
}

// A command may have made a folder that not even its owner can read. The name may have been changed since somebody
// looked at it, so this is about the folder that it opens.
UniqueFd open_closed_folder(int parent, const char* name) {
  if (UniqueFd fd = open_folder(parent, name); fd || errno != EACCES) {
    return fd;
  }
  const UniqueFd folder(openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  const std::string link = "/proc/self/fd/" + std::to_string(folder.get());
  return folder && chmod(link.c_str(), private_mode) == 0 ? open_folder(parent, name) : UniqueFd();
}

// The folder's entries, from the first one on.
struct CloseDir {
  void operator()(DIR* dir) const { closedir(dir); }
};
using Entries = std::unique_ptr<DIR, CloseDir>;

Entries entries_of(int fd) {
  UniqueFd own(openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  Entries entries(own ? fdopendir(own.get()) : nullptr);
  if (entries != nullptr) {
    static_cast<void>(own.release());
  }
  return entries;
}

bool is_folder(int parent, const char* name) {
  struct stat status{};
  return fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

bool is_own_folder(const struct stat& status) { return S_ISDIR(status.st_mode) && status.st_uid == geteuid(); }

}  // namespace

// Nothing: a sweep took it, in the moment before it was locked.
std::expected<std::optional<TempFolder>, std::string> TempFolder::make_once(const std::string& parent) {
  std::string path = parent + "/" + std::string(temp_prefix) + "XXXXXX";
  UniqueFd parent_fd(open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!parent_fd || mkdtemp(path.data()) == nullptr) {
    return failure("cannot make a temporary folder in " + parent);
  }
  UniqueFd folder = open_folder(AT_FDCWD, path.c_str());
  struct stat status{};
  if (!folder && errno == ENOENT) {
    return std::nullopt;
  }
  // Where a file system has no locks a sweep gets none either, and leaves it.
  if (folder && flock(folder.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    return std::nullopt;
  }
  if (!folder || fstat(folder.get(), &status) != 0) {
    const auto failed = failure("cannot open the temporary folder " + path);
    static_cast<void>(rmdir(path.c_str()));
    return failed;
  }
  if (status.st_nlink == 0) {
    return std::nullopt;
  }
  TempFolder out(std::move(path), std::move(parent_fd), std::move(folder));
  out.device_ = status.st_dev;
  return out;
}

std::expected<TempFolder, std::string> TempFolder::make(const std::string& parent) {
  for (int i = 0; i < limits::temp_folder_tries_max; ++i) {
    if (auto made = make_once(parent); !made.has_value()) {
      return std::unexpected(made.error());
    } else if (made->has_value()) {
      return **std::move(made);
    }
  }
  return std::unexpected("cannot keep a temporary folder in " + parent + ": each is removed at once");
}

std::optional<TempFolder> TempFolder::take_over(const std::string& parent, const char* name) {
  UniqueFd parent_fd(open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat above{};
  struct stat status{};
  // Looked at before it is opened, which could wake an automount of somebody else's, and after.
  if (!parent_fd || fstat(parent_fd.get(), &above) != 0 ||
      fstatat(parent_fd.get(), name, &status, AT_SYMLINK_NOFOLLOW) != 0 || !is_own_folder(status)) {
    return std::nullopt;
  }
  UniqueFd folder = open_closed_folder(parent_fd.get(), name);
  if (!folder || fstat(folder.get(), &status) != 0 || !is_own_folder(status) || status.st_dev != above.st_dev ||
      flock(folder.get(), LOCK_EX | LOCK_NB) != 0) {
    return std::nullopt;
  }
  TempFolder out(parent + "/" + name, std::move(parent_fd), std::move(folder));
  out.device_ = status.st_dev;
  return out;
}

TempFolder::TempFolder(std::string path, UniqueFd parent, UniqueFd folder)
    : path_(std::move(path)), parent_(std::move(parent)), folder_(std::move(folder)) {}

bool TempFolder::remove(Deadline deadline) {
  static_cast<void>(fchmod(folder_.get(), private_mode));
  empty_whole(folder_.get(), deadline);
  const char* name = path_.c_str() + path_.find_last_of('/') + 1;
  return unlinkat(parent_.get(), name, AT_REMOVEDIR) == 0;
}

// Entries that are added during a pass over a folder may be in it or not, so there is another one as long as that
// helps.
void TempFolder::empty_whole(int fd, Deadline deadline) {
  std::uint64_t before = 0;
  do {
    before = gone_;
    empty(fd, deadline);
  } while (gone_ != before && !is_over(deadline));
}

void TempFolder::empty(int fd, Deadline deadline) {
  const Entries entries = entries_of(fd);
  if (entries == nullptr) {
    return;
  }
  while (const dirent* entry = readdir(entries.get())) {
    const std::string_view name = entry->d_name;
    if (is_over(deadline)) {
      return;
    }
    if (name == "." || name == "..") {
      continue;
    }
    if (unlinkat(fd, entry->d_name, 0) == 0) {
      ++gone_;
    } else if (is_folder(fd, entry->d_name)) {
      if (fd == folder_.get()) {
        remove_child(entry->d_name, deadline);
      } else {
        move_up(fd, entry->d_name);
      }
    }
  }
}

// A folder right below ours: what it holds goes, or moves up to stand beside it.
void TempFolder::remove_child(const char* name, Deadline deadline) {
  const UniqueFd child = open_closed_folder(folder_.get(), name);
  struct stat status{};
  if (!child || fstat(child.get(), &status) != 0 || status.st_dev != device_) {
    return;
  }
  static_cast<void>(fchmod(child.get(), private_mode));
  empty_whole(child.get(), deadline);
  if (unlinkat(folder_.get(), name, AT_REMOVEDIR) == 0) {
    ++gone_;
  }
}

void TempFolder::move_up(int parent, const char* name) {
  // To be moved, a folder must be one that we may write.
  if (const UniqueFd folder = open_closed_folder(parent, name); folder) {
    static_cast<void>(fchmod(folder.get(), private_mode));
  }
  std::string to;
  do {
    to = std::to_string(names_++);
  } while (faccessat(folder_.get(), to.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0);
  if (renameat(parent, name, folder_.get(), to.c_str()) == 0) {
    ++gone_;
  }
}

void sweep_temp_folders(const std::string& parent) {
  const UniqueFd fd(open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const Entries entries = entries_of(fd.get());
  if (entries == nullptr) {
    return;
  }
  while (const dirent* entry = readdir(entries.get())) {
    if (std::string_view(entry->d_name).starts_with(temp_prefix)) {
      if (auto left = TempFolder::take_over(parent, entry->d_name)) {
        static_cast<void>(left->remove(std::nullopt));
      }
    }
  }
}

}  // namespace openexec::launch
