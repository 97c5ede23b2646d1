// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "daemon/io/unique_fd.h"
#include "daemon/launch/failure.h"

namespace openexec::launch {

using Deadline = std::optional<std::chrono::steady_clock::time_point>;  // nothing: never

// A folder of the run's own, 0700. It is locked as long as a launcher has it, so that one that nobody has is known.
class TempFolder {
 public:
  static std::expected<TempFolder, std::string> make(const std::string& parent);
  // One of `parent` that an earlier launcher of ours made and nobody has; nothing when it is not that.
  static std::optional<TempFolder> take_over(const std::string& parent, const char* name);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] int fd() const { return folder_.get(); }

  // Removes it with all that is in it; false when something is left: time was over, or it cannot be removed (something
  // is mounted there). Called when no process of the run is left. It follows no link, leaves the file system never, and
  // needs two descriptors and no stack however deep the tree is: a folder within a folder is moved up before it is
  // emptied.
  bool remove(Deadline deadline);

 private:
  static std::expected<std::optional<TempFolder>, std::string> make_once(const std::string& parent);
  TempFolder(std::string path, UniqueFd parent, UniqueFd folder);
  void empty_whole(int fd, Deadline deadline);
  void empty(int fd, Deadline deadline);
  void remove_child(const char* name, Deadline deadline);
  void move_up(int parent, const char* name);

  std::string path_;
  UniqueFd parent_;
  UniqueFd folder_;
  std::uint64_t device_ = 0;
  std::uint64_t gone_ = 0;   // entries that were removed or moved up
  std::uint64_t names_ = 0;  // for those that are moved up
};

// Removes every such folder of `parent` that is ours and that nobody has.
void sweep_temp_folders(const std::string& parent);

}  // namespace openexec::launch
