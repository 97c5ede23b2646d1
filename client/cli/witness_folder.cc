// SPDX-License-Identifier: Apache-2.0
#include "client/cli/witness_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "client/cli/input.h"
#include "client/cli/private_files.h"
#include "client/cli/screen.h"
#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "proto-json/pem.h"
#include "proto-json/text_lines.h"

namespace openexec::cli {
namespace {

constexpr std::string_view secret_key_file = "witness.key";
constexpr std::string_view key_file = "witness.vkey";
constexpr std::string_view logs_file = "logs";
constexpr std::string_view lock_file = "lock";
constexpr std::string_view state_dir = "state";
constexpr std::string_view evidence_dir = "evidence";
constexpr std::size_t logs_file_bytes_max = limits::witness_logs_max * (limits::note_key_name_bytes_max + 64);

std::string below(const std::string& dir, std::string_view name) { return fmt::format("{}/{}", dir, name); }

std::string log_file_name(std::string_view origin) { return to_hex(sha256(origin).view()); }

std::expected<File, std::string> lock_folder(const std::string& dir) {
  const std::string path = below(dir, lock_file);
  File file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  int locked = -1;
  while (file && (locked = ::flock(file.fd(), LOCK_EX)) != 0 && errno == EINTR) {
  }
  if (locked != 0) {
    return std::unexpected(fmt::format("cannot lock {}: {}", printable(path), std::strerror(errno)));
  }
  return file;
}

std::string to_lines(std::span<const NoteKey> keys) {
  std::string out;
  for (const NoteKey& key : keys) {
    out += to_vkey(key) + "\n";
  }
  return out;
}

std::expected<NoteKey, std::string> read_own_key(const std::string& dir) {
  return read_vkey_argument(printable(below(dir, key_file)), "@" + below(dir, key_file), NoteKeyType::cosignature);
}

// Why a record cannot be believed.
std::expected<LatestCosigned, std::string> read_latest(std::string_view text, std::string_view origin,
                                                       std::span<const NoteKey> logs, const NoteKey& own) {
  auto note = read_note(text);
  if (!note) {
    return std::unexpected(note.error());
  }
  const auto cosignature = cosignature_by(*note, own);
  if (!cosignature || !*cosignature) {
    return std::unexpected(std::string("this witness's own cosignature is missing or does not verify"));
  }
  for (const NoteKey& log : logs) {
    if (log.name != origin) {
      continue;
    }
    if (auto checkpoint = open_checkpoint(*note, log)) {
      return LatestCosigned{*std::move(note), *std::move(checkpoint), (*cosignature)->time_s};
    }
  }
  return std::unexpected(std::string("no key that this witness has of that log signed it"));
}

}  // namespace

void add_dir_option(App& app, std::string& dir) {
  app.add_option("--dir", dir, "the witness's folder; else $XDG_STATE_HOME or ~/.local/state, /openexec-witness");
}

std::expected<std::string, std::string> witness_dir(const std::string& dir) {
  if (!dir.empty()) {
    return dir;
  }
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && *state == '/') {
    return below(state, "openexec-witness");
  }
  const char* home = std::getenv("HOME");
  if (home == nullptr || *home != '/') {
    return std::unexpected(std::string("neither XDG_STATE_HOME nor HOME names a folder: say --dir"));
  }
  return below(home, ".local/state/openexec-witness");
}

std::expected<WitnessFolder, std::string> WitnessFolder::make(const std::string& dir, std::string_view name,
                                                              std::span<const NoteKey> logs) {
  for (const std::string& folder : {dir, below(dir, state_dir), below(dir, evidence_dir)}) {
    if (const auto made = make_private_dir(folder); !made) {
      return std::unexpected(made.error());
    }
  }
  const auto locked = lock_folder(dir);
  if (!locked) {
    return std::unexpected(locked.error());
  }
  if (const auto is_new = check_is_new(below(dir, secret_key_file)); !is_new) {
    return std::unexpected(is_new.error());
  }
  const auto secret = new_secret_key();
  if (!secret) {
    return std::unexpected(secret.error());
  }
  const NoteKey key{std::string(name), NoteKeyType::cosignature, secret->public_key()};
  auto written = replace_file(dir, logs_file, to_lines(logs));
  written = written ? replace_file(dir, key_file, to_vkey(key) + "\n") : written;
  if (written) {  // the last: with it the witness is there
    std::string pem = to_secret_key_pem(*secret);
    written = replace_file(dir, secret_key_file, pem);
    wipe(pem);
  }
  if (!written) {
    return std::unexpected(written.error());
  }
  return WitnessFolder(dir, key);
}

std::expected<WitnessFolder, std::string> WitnessFolder::open(const std::string& dir) {
  for (const std::string& folder : {dir, below(dir, state_dir), below(dir, evidence_dir)}) {
    if (const auto checked = check_private_dir(folder); !checked) {
      return std::unexpected(checked.error());
    }
  }
  auto key = read_own_key(dir);
  if (!key) {
    return std::unexpected(key.error());
  }
  return WitnessFolder(dir, *std::move(key));
}

std::expected<NoteSigner, std::string> WitnessFolder::read_signer() const {
  auto secret = read_secret_key_file(below(dir_, secret_key_file));
  if (!secret) {
    return std::unexpected(secret.error());
  }
  if (secret->public_key() != key_.key) {
    return std::unexpected(
        fmt::format("{} and {} in {} are not of one key", secret_key_file, key_file, printable(dir_)));
  }
  return NoteSigner(key_.name, key_.type, *std::move(secret));
}

std::expected<File, std::string> WitnessFolder::lock() const { return lock_folder(dir_); }

std::expected<std::vector<NoteKey>, std::string> WitnessFolder::read_logs() const {
  const std::string path = below(dir_, logs_file);
  const auto text = read_whole_file(path, logs_file_bytes_max);
  if (!text) {
    return std::unexpected(text.error());
  }
  std::vector<NoteKey> logs;
  for (std::string_view rest = *text; !rest.empty();) {
    const auto line = take_line(rest);
    auto key = line ? read_vkey_argument(printable(path), std::string(*line), NoteKeyType::ed25519)
                    : std::unexpected(printable(path) + ": its last line has no end");
    if (!key) {
      return std::unexpected(key.error());
    }
    logs.push_back(*std::move(key));
  }
  return logs;
}

std::expected<void, std::string> WitnessFolder::add_log(const NoteKey& log) const {
  auto logs = read_logs();
  if (!logs) {
    return std::unexpected(logs.error());
  }
  if (std::ranges::find(*logs, log) != logs->end()) {
    return {};
  }
  if (logs->size() == limits::witness_logs_max) {
    return std::unexpected(fmt::format("a witness has at most {} log keys", limits::witness_logs_max));
  }
  logs->push_back(log);
  return replace_file(dir_, logs_file, to_lines(*logs));
}

std::expected<std::optional<LatestCosigned>, std::string> WitnessFolder::latest(std::string_view origin,
                                                                                std::span<const NoteKey> logs) const {
  const std::string path = below(below(dir_, state_dir), log_file_name(origin));
  struct stat facts{};
  if (::lstat(path.c_str(), &facts) != 0 && errno == ENOENT) {
    return std::nullopt;
  }
  const auto text = read_whole_file(path, limits::note_bytes_max);
  auto latest = text ? read_latest(*text, origin, logs, key_) : std::unexpected(text.error());
  if (!latest) {
    return std::unexpected(fmt::format("the record of {} in {} is damaged: {}", printable(origin), printable(path),
                                       printable(latest.error())));
  }
  return *std::move(latest);
}

std::expected<void, std::string> WitnessFolder::put_latest(std::string_view origin, const Note& note) const {
  return replace_file(below(dir_, state_dir), log_file_name(origin), to_text(note));
}

std::expected<void, std::string> WitnessFolder::check_latest(std::string_view origin, std::span<const NoteKey> logs,
                                                             const Note& note) const {
  const auto latest = read_latest(to_text(note), origin, logs, key_);
  return latest ? std::expected<void, std::string>() : std::unexpected(latest.error());
}

std::expected<std::string, std::string> WitnessFolder::keep_evidence(EvidenceKind kind, const Checkpoint& cosigned,
                                                                     const Checkpoint& submitted,
                                                                     std::string_view text) const {
  const std::string dir = below(dir_, evidence_dir);
  const std::string prefix =
      fmt::format("{}-{}-", kind == EvidenceKind::fork ? "fork" : "doubt", log_file_name(cosigned.origin));
  const std::string file = fmt::format("{}{}-{}-{}-{}.txt", prefix, cosigned.size, submitted.size,
                                       to_hex(cosigned.root.view()), to_hex(submitted.root.view()));
  std::string path = below(dir, file);
  if (!check_is_new(path)) {
    return path;
  }
  const auto count = evidence_count(prefix);
  if (!count) {
    return std::unexpected(count.error());
  }
  const std::size_t count_max =
      kind == EvidenceKind::fork ? limits::witness_forks_per_log_max : limits::witness_doubts_per_log_max;
  if (*count >= count_max) {
    return std::unexpected(fmt::format("{} holds {} files {}… already, all that it may hold: move them to a safe place",
                                       printable(dir), *count, prefix));
  }
  const auto written = replace_file(dir, file, text);
  return written ? std::expected<std::string, std::string>(std::move(path)) : std::unexpected(written.error());
}

std::expected<std::size_t, std::string> WitnessFolder::evidence_count(std::string_view prefix) const {
  const std::string dir = below(dir_, evidence_dir);
  std::error_code error;
  std::size_t count = 0;
  for (std::filesystem::directory_iterator entry(dir, error), end; !error && entry != end; entry.increment(error)) {
    count += entry->path().filename().native().starts_with(prefix) ? 1U : 0U;
  }
  if (error) {
    return std::unexpected(fmt::format("cannot read {}: {}", printable(dir), error.message()));
  }
  return count;
}

}  // namespace openexec::cli
