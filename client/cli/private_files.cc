// SPDX-License-Identifier: Apache-2.0
#include "client/cli/private_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "client/cli/file.h"
#include "client/cli/input.h"
#include "client/cli/screen.h"

namespace openexec::cli {
namespace {

std::unexpected<std::string> failure(std::string_view what, const std::string& path) {
  const int error = errno;
  return std::unexpected(fmt::format("{} {}: {}", what, printable(path), std::strerror(error)));
}

}  // namespace

std::expected<void, std::string> make_private_dir(const std::string& path) {
  for (std::size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
    const std::string above = path.substr(0, end);
    if (::mkdir(above.c_str(), 0700) != 0 && errno != EEXIST) {
      return failure("cannot make", above);
    }
  }
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return failure("cannot make", path);
  }
  return check_private_dir(path);
}

std::expected<void, std::string> check_private_dir(const std::string& path) {
  struct stat facts{};
  if (::stat(path.c_str(), &facts) != 0) {
    return failure("cannot use", path);
  }
  if (!S_ISDIR(facts.st_mode) || facts.st_uid != ::geteuid() || (facts.st_mode & 077U) != 0) {
    return std::unexpected(fmt::format("{} is not a folder that you alone can use\nIf it is yours:  chmod 700 {}",
                                       printable(path), shell_word(path)));
  }
  return {};
}

std::expected<void, std::string> replace_file(const std::string& dir, std::string_view name, std::string_view text) {
  const std::string path = fmt::format("{}/{}", dir, name);
  const std::string beside = fmt::format("{}/.{}.new", dir, name);
  if (::unlink(beside.c_str()) != 0 && errno != ENOENT) {  // what a stop in the middle may have left
    return failure("cannot write", beside);
  }
  if (auto written = write_new_file(beside, text, Access::owner_only); !written) {
    return written;
  }
  if (::rename(beside.c_str(), path.c_str()) != 0) {
    return failure("cannot write", path);
  }
  const File folder(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder || ::fsync(folder.fd()) != 0) {
    return failure("cannot sync", dir);
  }
  return {};
}

}  // namespace openexec::cli
