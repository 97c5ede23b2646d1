// SPDX-License-Identifier: Apache-2.0
#include "client/cli/input.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <system_error>
#include <utility>

#include "client/cli/file.h"
#include "client/cli/screen.h"
#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "proto-json/pem.h"

namespace openexec::cli {
namespace {

std::string reason() { return std::strerror(errno); }

std::string already_there(const std::string& path) {
  return fmt::format("{} is already there, and is not written over", printable(path));
}

// A regular file: nothing else that a name may stand for can make this wait. The error is why it cannot be read.
std::expected<File, std::string> open_regular(const std::string& path, struct stat& facts) {
  File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file || ::fstat(file.fd(), &facts) != 0) {
    return std::unexpected(reason());
  }
  if (!S_ISREG(facts.st_mode)) {
    return std::unexpected(std::string(S_ISDIR(facts.st_mode) ? "it is a directory" : "it is no regular file"));
  }
  return file;
}

// Reads to the end. `text` never grows past what it has reserved, so that no copy of a secret is left behind.
std::expected<void, std::string> read_all(int fd, std::string& text, std::size_t bytes_max) {
  std::array<char, 4096> buffer{};
  std::expected<void, std::string> outcome;
  while (true) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got < 0) {
      outcome = std::unexpected(reason());
      break;
    }
    if (got == 0) {
      break;
    }
    if (text.size() + static_cast<std::size_t>(got) > bytes_max) {
      outcome = std::unexpected(fmt::format("it is larger than {} bytes", bytes_max));
      break;
    }
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  wipe(std::span(reinterpret_cast<std::uint8_t*>(buffer.data()), buffer.size()));
  return outcome;
}

std::expected<Json, std::string> parse_object(std::string_view what, std::string_view text) {
  auto json = parse_json(text);
  if (!json) {
    return std::unexpected(fmt::format("{} is not JSON: {}", what, printable(json.error().message)));
  }
  if (json->if_object() == nullptr) {
    return std::unexpected(fmt::format("{} is JSON, but not an object: it must look like {{\"name\": value}}", what));
  }
  return *std::move(json);
}

}  // namespace

std::expected<std::string, std::string> read_whole_file(const std::string& path, std::size_t bytes_max) {
  std::string text;
  std::expected<void, std::string> read;
  if (path == "-") {
    read = read_all(STDIN_FILENO, text, bytes_max);
  } else {
    struct stat facts{};
    const auto file = open_regular(path, facts);
    read = file ? read_all(file->fd(), text, bytes_max) : std::unexpected(file.error());
  }
  if (!read) {
    return std::unexpected(
        fmt::format("cannot read {}: {}", path == "-" ? "standard input" : printable(path), read.error()));
  }
  return text;
}

std::expected<NoteKey, std::string> read_vkey_argument(std::string_view what, const std::string& argument,
                                                       NoteKeyType type) {
  std::string text = argument;
  if (argument.starts_with('@')) {
    auto file = read_whole_file(argument.substr(1), limits::key_file_bytes_max);
    if (!file) {
      return std::unexpected(file.error());
    }
    text = *std::move(file);
    if (text.ends_with('\n')) {
      text.pop_back();
    }
  }
  auto key = read_vkey(text);
  if (!key) {
    return std::unexpected(fmt::format("{}: {}", what, printable(key.error())));
  }
  if (key->type != type) {
    return std::unexpected(fmt::format("{}: {} is the key of a {}, and a {}'s is wanted here", what,
                                       printable(key->name), type == NoteKeyType::ed25519 ? "witness" : "log",
                                       type == NoteKeyType::ed25519 ? "log" : "witness"));
  }
  return *std::move(key);
}

std::expected<Json, std::string> read_object_file(std::string_view what, const std::string& path) {
  const auto text = read_whole_file(path, limits::line_bytes_max_ceiling);
  return text ? parse_object(what, *text) : std::unexpected(text.error());
}

std::expected<Json, std::string> read_object_argument(std::string_view what, const std::string& argument) {
  if (argument == "-") {
    return read_object_file(what, argument);
  }
  if (argument.starts_with('@')) {
    const std::string path = argument.substr(1);
    return read_object_file(what, path == "-" ? "./-" : path);
  }
  return parse_object(what, argument);
}

std::optional<std::int64_t> parse_duration_ms(std::string_view text) {
  struct Unit {
    std::string_view name;
    std::int64_t ms;
  };
  constexpr std::array<Unit, 4> units{{{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number <= 0) {
    return std::nullopt;
  }
  const std::string_view name = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const Unit& unit : units) {
    if (name == unit.name) {
      return number <= limits::duration_ms_max / unit.ms ? std::optional(number * unit.ms) : std::nullopt;
    }
  }
  return std::nullopt;
}

std::expected<SecretKey, std::string> read_secret_key_file(const std::string& path) {
  const std::string shown = printable(path);
  struct stat facts{};
  const auto file = open_regular(path, facts);
  if (!file) {
    return std::unexpected(fmt::format("cannot read the key {}: {}", shown, file.error()));
  }
  if ((facts.st_mode & 077U) != 0) {
    return std::unexpected(
        fmt::format("others may read or write the key {} (mode {:04o}), so it may not be yours alone\n"
                    "If nobody has had it:  chmod 600 {}",
                    shown, facts.st_mode & 07777U, shell_word(path)));
  }
  std::string pem;
  pem.reserve(limits::key_file_bytes_max);
  const auto read = read_all(file->fd(), pem, limits::key_file_bytes_max);
  auto key = read ? read_secret_key_pem(pem) : std::unexpected(read.error());
  wipe(pem);
  if (!key) {
    return std::unexpected(fmt::format("cannot use the key {}: {}", shown, printable(key.error())));
  }
  return *std::move(key);
}

std::expected<void, std::string> check_is_new(const std::string& path) {
  struct stat facts{};
  if (!path.empty() && ::lstat(path.c_str(), &facts) == 0) {
    return std::unexpected(already_there(path));
  }
  return {};
}

std::expected<void, std::string> write_new_file(const std::string& path, std::string_view text, Access access) {
  const mode_t mode = access == Access::owner_only ? 0600 : 0666;
  File file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOCTTY, mode));
  if (file.fd() < 0) {
    const bool there = errno == EEXIST;
    return std::unexpected(there ? already_there(path) : fmt::format("cannot make {}: {}", printable(path), reason()));
  }
  bool written = true;
  while (written && !text.empty()) {
    const ssize_t count = ::write(file.fd(), text.data(), text.size());
    if (count >= 0) {
      text.remove_prefix(static_cast<std::size_t>(count));
    } else if (errno != EINTR) {
      written = false;
    }
  }
  if (!written || ::fsync(file.fd()) != 0 || file.close() != 0) {
    const std::string why = reason();
    ::unlink(path.c_str());
    return std::unexpected(fmt::format("cannot write {}: {}", printable(path), why));
  }
  return {};
}

std::expected<SecretKey, std::string> new_secret_key() {
  std::array<std::uint8_t, SecretKey::seed_bytes> seed{};
  if (const auto filled = fill_random(seed); !filled) {
    return std::unexpected(filled.error());
  }
  SecretKey key = SecretKey::from_seed(seed);
  wipe(seed);
  return key;
}

std::expected<void, std::string> fill_random(std::span<std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = ::getrandom(bytes.data(), bytes.size(), 0);
    if (got < 0 && errno != EINTR) {
      return std::unexpected(fmt::format("the kernel gives no random bytes: {}", reason()));
    }
    bytes = bytes.subspan(static_cast<std::size_t>(got < 0 ? 0 : got));
  }
  return {};
}

std::expected<std::string, std::string> random_nonce() {
  std::array<std::uint8_t, 16> bytes{};
  if (const auto filled = fill_random(bytes); !filled) {
    return std::unexpected(filled.error());
  }
  return to_hex(bytes);
}

std::expected<std::string, std::string> random_uuid() {
  ExecutionId bytes;
  if (const auto filled = fill_random(bytes.data); !filled) {
    return std::unexpected(filled.error());
  }
  bytes.data[6] = static_cast<std::uint8_t>((bytes.data[6] & 0x0fU) | 0x40U);  // version 4
  bytes.data[8] = static_cast<std::uint8_t>((bytes.data[8] & 0x3fU) | 0x80U);  // variant of RFC 9562
  return to_uuid_text(bytes);
}

void protect_secrets() { static_cast<void>(::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)); }

}  // namespace openexec::cli
