// SPDX-License-Identifier: Apache-2.0
#include "client/cli/export_folder.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "client/cli/file.h"
#include "client/cli/input.h"
#include "proto-json/limits.h"

namespace openexec::cli {
namespace {

namespace fs = std::filesystem;

std::unexpected<std::string> failure(std::string_view what, const std::string& path, int error) {
  return std::unexpected(fmt::format("{} {}: {}", what, path, std::strerror(error)));
}

constexpr std::size_t bundle_bytes_max = tile_width * (2 + limits::receipt_bytes_max);

std::expected<std::string, std::string> or_missing(std::expected<std::optional<std::string>, std::string> file,
                                                   const std::string& name) {
  if (!file) {
    return std::unexpected(file.error());
  }
  return *file ? std::expected<std::string, std::string>(**std::move(file))
               : std::unexpected(fmt::format("{} is missing", name));
}

}  // namespace

std::string path_of(const TilePlace& place) { return hash_tile_path(place.level, place.index, place.width); }
std::string bundle_path_of(const TilePlace& place) { return entry_tile_path(place.index, place.width); }

std::expected<std::optional<std::string>, std::string> ExportFolder::read(std::string_view name,
                                                                          std::size_t bytes_max) const {
  const std::string file = path(name);
  if (::access(file.c_str(), F_OK) != 0 && errno == ENOENT) {
    return std::nullopt;
  }
  auto text = read_whole_file(file, bytes_max);
  return text ? std::expected<std::optional<std::string>, std::string>(*std::move(text))
              : std::unexpected(text.error());
}

std::expected<std::string, std::string> ExportFolder::read_tile(const TilePlace& place) const {
  return or_missing(read(path_of(place), tile_width * Hash::size_bytes), path_of(place));
}

std::expected<std::string, std::string> ExportFolder::read_bundle_file(const TilePlace& place) const {
  return or_missing(read(bundle_path_of(place), bundle_bytes_max), bundle_path_of(place));
}

std::expected<void, std::string> ExportFolder::make() const {
  if (::mkdir(dir_.c_str(), 0777) == 0) {
    return {};
  }
  if (errno != EEXIST) {
    return failure("cannot make", dir_, errno);
  }
  std::error_code error;
  bool has_other = false;
  for (fs::directory_iterator at(dir_, error), end; !error && at != end; at.increment(error)) {
    const std::string name = at->path().filename().string();
    const bool is_ours = name == "tile" || name == checkpoint_file || name == cosigned_file || name == forked_file ||
                         name.ends_with(".new");
    has_other = has_other || !is_ours;
  }
  if (error) {
    return std::unexpected(fmt::format("cannot read {}: {}", dir_, error.message()));
  }
  if (has_other) {
    return std::unexpected(fmt::format("{} holds something else than an exported log", dir_));
  }
  return {};
}

std::expected<void, std::string> ExportFolder::write(const std::string& name, std::string_view bytes) const {
  const std::string file = path(name);
  const std::string draft = file + ".new";
  std::error_code error;
  fs::create_directories(fs::path(file).parent_path(), error);
  ::unlink(draft.c_str());  // what a stop in the middle may have left
  const File out(::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666));
  while (out && !bytes.empty()) {
    const ssize_t written = ::write(out.fd(), bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) {
      return failure("cannot write", draft, errno);
    }
    bytes.remove_prefix(static_cast<std::size_t>(written < 0 ? 0 : written));
  }
  if (!out || ::rename(draft.c_str(), file.c_str()) != 0) {
    return failure("cannot write", file, errno);
  }
  return {};
}

std::expected<void, std::string> ExportFolder::write_once(std::string_view name, std::string_view bytes) const {
  return write_new_file(path(name), bytes, Access::everybody);
}

void ExportFolder::remove(const std::string& name) const {
  ::unlink(path(name).c_str());
  ::rmdir(fs::path(path(name)).parent_path().c_str());  // only when nothing else is in it
}

std::expected<void, std::string> ExportFolder::sync() const {
  const File dir(::open(dir_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!dir || ::syncfs(dir.fd()) != 0) {
    return failure("cannot sync", dir_, errno);
  }
  return {};
}

}  // namespace openexec::cli
