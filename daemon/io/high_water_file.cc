// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/high_water_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "daemon/core/high_water.h"
#include "daemon/io/private_dir.h"
#include "daemon/io/system_error.h"
#include "proto-json/limits.h"

namespace openexec {

std::string HighWaterFile::path_beside(const std::string& store_dir) {
  std::string_view dir = store_dir;
  while (dir.size() > 1 && dir.ends_with('/')) {
    dir.remove_suffix(1);
  }
  return std::string(dir) + ".high-water";
}

std::expected<HighWaterFile, std::string> HighWaterFile::open(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600));
  struct stat status{};
  if (!fd || fstat(fd.get(), &status) != 0) {
    return std::unexpected(fmt::format(
        "cannot open the high-water file {}: {}; make its folder writable, or name another place in [store] high_water",
        path, system_message(errno)));
  }
  if (!S_ISREG(status.st_mode) || status.st_uid != geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return std::unexpected(
        fmt::format("{} is not a file that this user alone may write; remove it, or name another place in [store] "
                    "high_water",
                    path));
  }
  return HighWaterFile(path, std::move(fd));
}

std::expected<std::optional<Checkpoint>, std::string> HighWaterFile::read() const {
  std::array<char, limits::high_water_bytes_max> buffer{};
  const ssize_t count = pread(fd_.get(), buffer.data(), buffer.size(), 0);
  if (count < 0) {
    return std::unexpected(fmt::format("cannot read the high-water file {}: {}", path_, system_message(errno)));
  }
  if (count == 0) {
    return std::nullopt;
  }
  auto mark = read_high_water_text({buffer.data(), static_cast<std::size_t>(count)});
  if (!mark) {
    return std::unexpected(
        fmt::format("the high-water file {} is damaged, so it is not known whether the store is an older copy: see "
                    "docs/operations.md, \"The high-water file\"",
                    path_));
  }
  return mark;
}

std::expected<void, std::string> HighWaterFile::write(const Checkpoint& log) const {
  const std::string text = to_high_water_text(log);
  const ssize_t count = pwrite(fd_.get(), text.data(), text.size(), 0);
  // A log of another name may have had a longer text.
  if (count != static_cast<ssize_t>(text.size()) || ftruncate(fd_.get(), count) != 0) {
    return std::unexpected(fmt::format("cannot write the high-water file {}: {}", path_,
                                       count < 0 ? system_message(errno) : "the disk is full"));
  }
  return {};
}

std::expected<void, std::string> HighWaterFile::sync() const {
  const UniqueFd dir(::open(parent_dir(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fsync(fd_.get()) != 0 || !dir || fsync(dir.get()) != 0) {
    return std::unexpected(fmt::format("cannot make the high-water file {} durable: {}", path_, system_message(errno)));
  }
  return {};
}

}  // namespace openexec
