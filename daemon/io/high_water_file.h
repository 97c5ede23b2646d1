// SPDX-License-Identifier: Apache-2.0
// The file that holds the high-water mark (daemon/core/high_water.h).
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "daemon/io/unique_fd.h"
#include "proto-json/checkpoint.h"

namespace openexec {

class HighWaterFile {
 public:
  // Where the mark of a store stands when nothing else is said: beside its folder, so that putting the folder back to
  // an older copy does not put the mark back, too.
  static std::string path_beside(const std::string& store_dir);

  // Opens the file, or makes it empty, 0600. Refuses a link, and a file of another owner or that others may write. The
  // error is one line that says what to change.
  static std::expected<HighWaterFile, std::string> open(const std::string& path);

  // Nothing in a file that is new. The error is one line.
  [[nodiscard]] std::expected<std::optional<Checkpoint>, std::string> read() const;
  // One write in place. Not synced: a mark that is behind its store only protects less, and is never ahead of it.
  [[nodiscard]] std::expected<void, std::string> write(const Checkpoint& log) const;
  // The file and what was written last outlive the machine. Once for each start: a store with entries whose mark was
  // lost altogether would be taken for a copy.
  [[nodiscard]] std::expected<void, std::string> sync() const;

  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  HighWaterFile(std::string path, UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::string path_;
  UniqueFd fd_;
};

}  // namespace openexec
