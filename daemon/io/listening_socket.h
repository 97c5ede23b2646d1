// SPDX-License-Identifier: Apache-2.0
// The agent socket's file. A live socket is never taken from another daemon: a lock beside it settles who may bind, a
// connect tells whether somebody listens already.
#pragma once

#include <sys/types.h>

#include <expected>
#include <optional>
#include <string>

#include "daemon/io/unique_fd.h"

namespace openexec {

struct SocketSettings {
  std::string path;
  mode_t mode = 0600;
  int backlog = 0;
  bool make_dir = false;  // the path is our own default: make its folder, and require that it is ours
};

// Whether bind() would have to refuse, by reading alone. The error is one line that says what to change.
std::expected<void, std::string> probe_socket_path(const SocketSettings& settings);

class ListeningSocket {
 public:
  // Binds and listens. Replaces a stale socket; refuses a live one and anything that is no socket.
  static std::expected<ListeningSocket, std::string> bind(const SocketSettings& settings);
  // One that was inherited: listening already, its file is somebody else's.
  static ListeningSocket inherited(UniqueFd fd, std::string path);

  ListeningSocket(ListeningSocket&&) noexcept = default;
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  ListeningSocket(const ListeningSocket&) = delete;
  ListeningSocket& operator=(const ListeningSocket&) = delete;
  ~ListeningSocket() { close(); }

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const std::string& path() const { return path_; }
  // Stops listening and removes the file when it is still ours. The lock is kept: no other daemon binds here yet.
  void close();

 private:
  struct FileId {
    dev_t device;
    ino_t inode;
  };
  ListeningSocket(UniqueFd fd, UniqueFd lock, std::string path, std::optional<FileId> file)
      : lock_(std::move(lock)), fd_(std::move(fd)), path_(std::move(path)), file_(file) {}

  UniqueFd lock_;
  UniqueFd fd_;
  std::string path_;
  std::optional<FileId> file_;  // the file that bind() made
};

}  // namespace openexec
