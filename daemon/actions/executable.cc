// SPDX-License-Identifier: Apache-2.0
#include "daemon/actions/executable.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "daemon/io/ownership.h"
#include "daemon/io/system_error.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/limits.h"

namespace openexec {
namespace {

#ifdef MFD_EXEC
constexpr unsigned memfd_executable = MFD_EXEC;
#else
constexpr unsigned memfd_executable = 0x10;  // Linux 6.3, which may forbid a copy that does not say so
#endif

std::expected<void, std::string> check(int fd) {
  struct stat status{};
  if (fstat(fd, &status) != 0) {
    return std::unexpected(system_message(errno));
  }
  if (!S_ISREG(status.st_mode)) {
    return std::unexpected(std::string("it is no regular file"));
  }
  if (auto wrong = write_objection(status); wrong.has_value()) {
    return std::unexpected(*std::move(wrong));
  }
  if ((status.st_mode & (S_ISUID | S_ISGID)) != 0) {
    return std::unexpected(std::string("it is set-uid or set-gid, which a command cannot have; name another program"));
  }
  if (faccessat(fd, "", X_OK, AT_EMPTY_PATH | AT_EACCESS) != 0) {
    return std::unexpected(fmt::format("it is not executable: {}", system_message(errno)));
  }
  std::array<char, 2> begin{};
  if (pread(fd, begin.data(), begin.size(), 0) < 0) {
    return std::unexpected(system_message(errno));
  }
  if (begin[0] == '#' && begin[1] == '!') {
    return std::unexpected(
        std::string("it is a script; name its interpreter first and the script as the argument behind it"));
  }
  return {};
}

std::expected<UniqueFd, std::string> new_memory_file() {
  constexpr const char* name = "openexec-command";
  int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | memfd_executable);
  if (fd < 0 && errno == EINVAL) {
    fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);  // a kernel that does not know that flag
  }
  if (fd < 0) {
    return std::unexpected(fmt::format("cannot make a copy of it: {}", system_message(errno)));
  }
  return UniqueFd(fd);
}

// Gives the number of bytes.
std::expected<std::size_t, std::string> copy(int from, int to) {
  off_t at = 0;
  while (static_cast<std::size_t>(at) <= limits::executable_bytes_max) {
    const ssize_t count = sendfile(to, from, &at, limits::executable_bytes_max);
    if (count == 0) {
      return static_cast<std::size_t>(at);
    }
    if (count < 0 && errno != EINTR) {
      return std::unexpected(fmt::format("cannot make a copy of it: {}", system_message(errno)));
    }
  }
  return std::unexpected(fmt::format("it has more than {} bytes; leave sha256 out", limits::executable_bytes_max));
}

std::expected<Hash, std::string> hash_of(int fd, std::size_t size) {
  if (size == 0) {
    return sha256(ByteView());
  }
  void* const memory = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (memory == MAP_FAILED) {
    return std::unexpected(fmt::format("cannot read the copy of it: {}", system_message(errno)));
  }
  const Hash hash = sha256(ByteView(static_cast<const std::uint8_t*>(memory), size));
  munmap(memory, size);
  return hash;
}

}  // namespace

std::expected<UniqueFd, std::string> open_executable(const std::string& path) {
  UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));  // a FIFO must not hold up the start
  if (!fd) {
    return std::unexpected(system_message(errno));
  }
  const auto checked = check(fd.get());
  return checked.has_value() ? std::expected<UniqueFd, std::string>(std::move(fd)) : std::unexpected(checked.error());
}

std::expected<UniqueFd, std::string> pin_executable(const UniqueFd& executable, const Hash& expected) {
  auto pinned = new_memory_file();
  if (!pinned.has_value()) {
    return pinned;
  }
  const auto size = copy(executable.get(), pinned->get());
  if (!size.has_value()) {
    return std::unexpected(size.error());
  }
  // Sealed before it is hashed: nothing can come between.
  if (fchmod(pinned->get(), S_IRUSR | S_IXUSR) != 0 ||
      fcntl(pinned->get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) != 0) {
    return std::unexpected(fmt::format("cannot seal the copy of it: {}", system_message(errno)));
  }
  const auto hash = hash_of(pinned->get(), *size);
  if (!hash.has_value()) {
    return std::unexpected(hash.error());
  }
  if (*hash != expected) {
    return std::unexpected(fmt::format("it hashes to {}", to_hex(hash->view())));
  }
  return pinned;
}

}  // namespace openexec
