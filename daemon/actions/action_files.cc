// SPDX-License-Identifier: Apache-2.0
#include "daemon/actions/action_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "daemon/io/ownership.h"
#include "daemon/io/small_file.h"
#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "proto-json/names.h"

namespace openexec {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t ignored_names_max = 3;  // that a warning quotes

// Names as a shell's *.toml has them, and those that are left out.
struct Names {
  std::vector<std::string> files;
  std::vector<std::string> ignored;
};

std::expected<Names, std::string> names_in(const std::string& folder) {
  std::error_code error;
  Names out;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    std::string name = at->path().filename().string();
    const bool is_file = name.ends_with(".toml") && !name.starts_with('.');
    (is_file ? out.files : out.ignored).push_back(std::move(name));
  }
  if (error) {
    return std::unexpected(fmt::format("{}: {}", folder, error.message()));
  }
  std::ranges::sort(out.files);
  std::ranges::sort(out.ignored);
  return out;
}

std::string shown(const std::string& name) { return is_utf8(name) ? quoted_name(name) : "a name that is no text"; }

std::string ignored_warning(const std::string& folder, const std::vector<std::string>& names) {
  std::string list;
  for (std::size_t i = 0; i < std::min(names.size(), ignored_names_max); ++i) {
    list += (i == 0 ? "" : ", ") + shown(names[i]);
  }
  const std::string more =
      names.size() > ignored_names_max ? fmt::format(" and {} more", names.size() - ignored_names_max) : "";
  return fmt::format("{}: only *.toml defines actions; ignored: {}{}", folder, list, more);
}

std::expected<ActionFile, std::string> read_file(const std::string& folder, const std::string& name) {
  if (!is_utf8(name) || !has_no_control_characters(name)) {
    return std::unexpected(fmt::format("{}: {} cannot be shown in a message; rename it", folder, shown(name)));
  }
  const std::string path = fs::path(folder) / name;
  const auto text = read_small_file(path, limits::action_file_bytes_max, write_objection);
  if (!text.has_value()) {
    return std::unexpected(fmt::format("{}: {}", path, text.error()));
  }
  return read_action_file(*text, path);
}

}  // namespace

std::expected<ActionFiles, std::string> read_action_files(const std::string& folder) {
  if (const auto wrong = folder_objection(folder); wrong.has_value()) {
    return std::unexpected(fmt::format("{}: {}", folder, *wrong));
  }
  const auto names = names_in(folder);
  if (!names.has_value()) {
    return std::unexpected(names.error());
  }
  if (names->files.size() > limits::action_files_max) {
    return std::unexpected(fmt::format("{}: it holds {} *.toml and {} are the most; remove some", folder,
                                       names->files.size(), limits::action_files_max));
  }
  ActionFiles out;
  if (!names->ignored.empty()) {
    out.warnings.push_back(ignored_warning(folder, names->ignored));
  }
  for (const std::string& name : names->files) {
    auto file = read_file(folder, name);
    if (!file.has_value()) {
      return std::unexpected(file.error());
    }
    out.files.push_back(*std::move(file));
  }
  return out;
}

}  // namespace openexec
