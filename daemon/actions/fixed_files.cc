// SPDX-License-Identifier: Apache-2.0
#include "daemon/actions/fixed_files.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include "daemon/io/ownership.h"
#include "proto-json/names.h"

namespace openexec {
namespace {

// What the argument names; nothing when it is no absolute path of a regular file.
std::optional<struct stat> fixed_file(const Argument& argument) {
  struct stat status{};
  const bool is_file = !argument.is_placeholder && argument.text.starts_with('/') &&
                       stat(argument.text.c_str(), &status) == 0 && S_ISREG(status.st_mode);
  return is_file ? std::optional(status) : std::nullopt;
}

}  // namespace

std::expected<void, std::string> check_fixed_files(const ActionFile& file) {
  const std::vector<Argument>& argv = file.command.argv;
  for (std::size_t i = 1; i < argv.size(); ++i) {
    const auto status = fixed_file(argv[i]);
    const auto wrong = status.has_value() ? write_objection(*status) : std::nullopt;
    if (wrong.has_value()) {
      return std::unexpected(fmt::format("{}: {}: {}", file.at("argv"), quoted_name(argv[i].text), *wrong));
    }
  }
  return {};
}

std::vector<GuardedPath> fixed_files(const ActionFile& file) {
  const std::vector<Argument>& argv = file.command.argv;
  std::vector<GuardedPath> out;
  for (std::size_t i = 1; i < argv.size(); ++i) {
    if (fixed_file(argv[i]).has_value()) {
      out.push_back(
          {.path = argv[i].text,
           .what = fmt::format("{}: {} of action {}", file.at("argv"), quoted_name(argv[i].text), file.name)});
    }
  }
  return out;
}

std::expected<std::vector<std::string>, std::string> fixed_file_warnings(const std::vector<GuardedPath>& files,
                                                                         const Registry& registry) {
  const auto guard = PathGuard::of({.unreadable = {}, .unwritable = files});
  if (!guard.has_value()) {
    return std::unexpected(guard.error());
  }
  std::vector<std::string> out;
  for (const auto& [name, action] : registry.actions()) {
    if (action.command == nullptr) {
      continue;
    }
    for (const std::string& path : action.command->sandbox.write) {
      for (const GuardedPath& file : guard->writable_by(path)) {
        out.push_back(fmt::format("{} can be changed by runs of action {}, whose sandbox.write has {}; keep them apart",
                                  file.what, name, quoted_name(path)));
      }
    }
  }
  return out;
}

}  // namespace openexec
