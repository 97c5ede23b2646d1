// SPDX-License-Identifier: Apache-2.0
#include "daemon/log_key.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "daemon/io/private_dir.h"
#include "daemon/io/small_file.h"
#include "daemon/io/system_error.h"
#include "daemon/io/unique_fd.h"
#include "proto-json/check.h"
#include "proto-json/limits.h"
#include "proto-json/pem.h"

namespace openexec {
namespace {

SecretKey new_key() {
  std::array<std::uint8_t, SecretKey::seed_bytes> seed{};
  OPENEXEC_CHECK(getrandom(seed.data(), seed.size(), 0) == static_cast<ssize_t>(seed.size()));
  SecretKey key = SecretKey::from_seed(seed);
  wipe(seed);
  return key;
}

std::expected<void, std::string> write_durably(const std::string& path, std::string_view text) {
  const auto failed = [&path] {
    return std::unexpected(fmt::format("cannot write the log's key {}: {}", path, system_message(errno)));
  };
  const std::string draft = path + ".new";
  unlink(draft.c_str());  // of a start that was cut short
  const UniqueFd fd(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd || write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) || fsync(fd.get()) != 0) {
    return failed();
  }
  // link() and not rename(): a key that is there is never written over.
  if (link(draft.c_str(), path.c_str()) != 0 || unlink(draft.c_str()) != 0) {
    return failed();
  }
  const UniqueFd dir(::open(parent_dir(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir || fsync(dir.get()) != 0) {
    return failed();
  }
  return {};
}

}  // namespace

std::expected<SecretKey, std::string> read_log_key(const LogKeyFile& file) {
  struct stat status{};
  if (stat(file.path.c_str(), &status) != 0) {
    return std::unexpected(fmt::format("cannot read the log's key {}: {}", file.path, system_message(errno)));
  }
  const mode_t others = file.is_credential ? S_IRWXO : S_IRWXG | S_IRWXO;
  if ((status.st_mode & others) != 0 || (status.st_uid != geteuid() && status.st_uid != 0)) {
    return std::unexpected(fmt::format(
        "others than this user can read the log's key {}: make a new one, and keep it to mode 0600", file.path));
  }
  auto pem = read_small_file(file.path, limits::key_file_bytes_max);
  if (!pem.has_value()) {
    return std::unexpected(fmt::format("cannot read the log's key {}: {}", file.path, pem.error()));
  }
  auto key = read_secret_key_pem(*pem);
  wipe(*pem);
  return key.has_value() ? std::move(key)
                         : std::unexpected(fmt::format("the log's key {}: {}", file.path, key.error()));
}

std::string log_key_path(const std::string& store_dir) { return store_dir + "/log.key"; }

std::expected<SecretKey, std::string> make_log_key(const std::string& path) {
  SecretKey key = new_key();
  std::string pem = to_secret_key_pem(key);
  const auto written = write_durably(path, pem);
  wipe(pem);
  return written.has_value() ? std::expected<SecretKey, std::string>(std::move(key)) : std::unexpected(written.error());
}

std::expected<NoteSigner, std::string> open_log_key(const LogKeyFile& file, const std::string& log_name,
                                                    const std::optional<std::string>& bound,
                                                    const std::string& adopt_command) {
  const bool is_there = access(file.path.c_str(), F_OK) == 0;
  if (!is_there && bound.has_value()) {
    return std::unexpected(
        fmt::format("the log {} is signed with {}, and its key {} is missing: put it back, or begin a new epoch of the "
                    "log with  {}",
                    log_name, *bound, file.path, adopt_command));
  }
  auto key = is_there || !file.is_ours ? read_log_key(file) : make_log_key(file.path);
  if (!key.has_value()) {
    return std::unexpected(key.error());
  }
  NoteSigner signer(log_name, NoteKeyType::ed25519, *std::move(key));
  if (bound.has_value() && *bound != to_vkey(signer.key())) {
    return std::unexpected(
        fmt::format("the log {} is signed with {}, and {} is another key ({}): put back the one that belongs to it, or "
                    "begin a new epoch of the log with  {}",
                    log_name, *bound, file.path, to_vkey(signer.key()), adopt_command));
  }
  return signer;
}

}  // namespace openexec
