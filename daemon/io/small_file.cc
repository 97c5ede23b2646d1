// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/small_file.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <cerrno>

#include "daemon/io/system_error.h"
#include "daemon/io/unique_fd.h"

namespace openexec {

std::expected<std::string, std::string> read_small_file(const std::string& path, std::size_t bytes_max,
                                                        FileObjection objection) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // a FIFO must not hold up the start
  struct stat status{};
  if (!fd || fstat(fd.get(), &status) != 0) {
    return std::unexpected(system_message(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    return std::unexpected(std::string("it is no regular file"));
  }
  if (auto wrong = objection != nullptr ? objection(status) : std::nullopt; wrong.has_value()) {
    return std::unexpected(*std::move(wrong));
  }
  std::string text(bytes_max + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t count = read(fd.get(), text.data() + size, text.size() - size);
    if (count < 0 && errno != EINTR) {
      return std::unexpected(system_message(errno));
    }
    if (count == 0) {
      break;
    }
    size += count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  if (size > bytes_max) {
    return std::unexpected(fmt::format("it has more than {} bytes", bytes_max));
  }
  text.resize(size);
  return text;
}

}  // namespace openexec
