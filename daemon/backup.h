// SPDX-License-Identifier: Apache-2.0
// Copying a store into a new folder, as it is in one moment, while a daemon goes on with it. The log's key is not
// copied: it is not in the store, and a second holder of it could sign another history.
//
// Two users may be at work: who asks for the copy owns its folder, and who owns the store reads it, since a store is
// no more to be trusted than its owner.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <string>

#include "daemon/io/unique_fd.h"

namespace openexec {

// The folder of a copy (0700), which must not have been there, with an empty file in it. It goes again unless it is
// kept.
class BackupFolder {
 public:
  // `reader`: the user who may write the file until it is kept. The error is one line.
  static std::expected<BackupFolder, std::string> make(const std::string& dir, uid_t reader);
  BackupFolder(BackupFolder&& other) noexcept;
  BackupFolder& operator=(BackupFolder&&) = delete;
  BackupFolder(const BackupFolder&) = delete;
  BackupFolder& operator=(const BackupFolder&) = delete;
  ~BackupFolder();

  [[nodiscard]] int fd() const { return file_.get(); }
  // The file is ours alone, and on disk with its folder.
  std::expected<void, std::string> keep();

 private:
  BackupFolder(std::string dir, UniqueFd file) : dir_(std::move(dir)), file_(std::move(file)) {}
  std::string dir_;  // empty: nothing to take away
  UniqueFd file_;
};

struct BackedUp {
  std::string origin;
  std::uint64_t entries = 0;
  std::uint64_t bytes = 0;
};

// Copies the store in `dir` into that file and opens the copy, to see that it can be read. The error is one line.
std::expected<BackedUp, std::string> copy_store(const std::string& dir, int fd);

}  // namespace openexec
