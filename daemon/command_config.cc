// SPDX-License-Identifier: Apache-2.0
#include "daemon/command_config.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <iterator>
#include <utility>

#include "daemon/actions/commands.h"
#include "daemon/io/private_dir.h"
#include "daemon/key_files.h"

namespace openexec {
namespace {

constexpr std::string_view default_folder = "/actions.d";

// Nothing: there are no files to read.
std::expected<std::optional<std::string>, std::string> actions_folder(const Settings& settings) {
  if (settings.actions_dir.has_value()) {
    const auto& [dir, where] = *settings.actions_dir;
    if (!dir.starts_with('/')) {
      return std::unexpected(fmt::format("{}: '{}' is no absolute path", where, dir));
    }
    return dir;
  }
  if (!settings.file.has_value()) {
    return std::nullopt;
  }
  // One that cannot be looked at is not one that is not there.
  std::string dir = parent_dir(*settings.file) + std::string(default_folder);
  struct stat status{};
  return lstat(dir.c_str(), &status) != 0 && errno == ENOENT ? std::nullopt : std::optional(std::move(dir));
}

GuardedPaths guarded_paths(const Config& config, const Settings& settings, const Surroundings& around,
                           const std::string& folder) {
  GuardedPaths out;
  out.unreadable = {{config.store.dir, "the store"},
                    {config.high_water_path, "the high-water file"},
                    {config.log_key.path, "the log's key"},
                    {.path = config.temp_parent, .what = "other runs' temporary folders", .and_below = false}};
  if (const auto credentials = around.variable("CREDENTIALS_DIRECTORY"); credentials.has_value()) {
    out.unreadable.push_back({*credentials, "the credentials"});
  }
  out.unwritable = {{folder, "the definitions of actions"}, {config.socket.path, "the agent socket"}};
  if (around.cgroup.has_value()) {
    out.unwritable.push_back({around.cgroup->path, "the cgroup of the runs"});
  }
  if (settings.file.has_value()) {
    out.unwritable.push_back({*settings.file, "the configuration"});
  }
  if (settings.approval_keys.has_value() && !is_pem_text(settings.approval_keys->value)) {
    out.unwritable.push_back({settings.approval_keys->value, "the approvers' keys"});
  }
  for (const std::string& file : config.approver_key_files) {
    out.unwritable.push_back({file, "an approver's key"});
  }
  for (const std::string& dir : around.program_dirs) {
    out.unwritable.push_back({dir, "the daemon's own programs"});
  }
  return out;
}

std::expected<void, std::string> check_kernel(Config& config, const Surroundings& around) {
  if (around.kernel.has_minimum()) {
    return {};
  }
  const std::string lack = around.kernel.missing().front();
  if (config.sandbox_required) {
    return std::unexpected(fmt::format(
        "this kernel cannot hold commands in the sandbox that is required: {}; use another, or set [sandbox] required "
        "= false to run them without",
        lack));
  }
  config.warnings.push_back("commands run without the whole of their sandbox: " + lack);
  return {};
}

}  // namespace

std::expected<void, std::string> set_commands(Config& config, const Settings& settings, const Surroundings& around,
                                              Registry& registry) {
  config.kernel = around.kernel;
  config.cgroup = around.cgroup;
  config.sandbox_required =
      settings.sandbox_required.has_value() ? settings.sandbox_required->value : config.policy.mode == Mode::clawshield;
  const auto folder = actions_folder(settings);
  if (!folder.has_value()) {
    return std::unexpected(folder.error());
  }
  if (!folder->has_value()) {
    return {};
  }
  // Each run has a folder there that only this user can enter; every command is this user.
  if (const auto given = around.variable("TMPDIR"); given.has_value() && given->starts_with('/')) {
    config.temp_parent = *given;
  }
  CommandSurroundings commands;
  commands.folder = **folder;
  commands.credentials_folder = around.variable("CREDENTIALS_DIRECTORY");
  commands.log_key = config.log_key.path;
  commands.guarded = guarded_paths(config, settings, around, **folder);
  commands.cgroup = around.cgroup;
  commands.is_check = settings.is_check;
  auto loaded = load_commands(commands, registry);
  if (!loaded.has_value()) {
    return std::unexpected(settings.actions_dir.has_value() && loaded.error().starts_with(**folder + ": ")
                               ? fmt::format("{}: {}", settings.actions_dir->where, loaded.error())
                               : loaded.error());
  }
  config.resources = std::move(loaded->resources);
  config.unchecked = std::move(loaded->unchecked);
  config.command_warnings = std::move(loaded->warnings);
  std::ranges::copy(config.command_warnings, std::back_inserter(config.warnings));
  return config.resources.empty() ? std::expected<void, std::string>() : check_kernel(config, around);
}

}  // namespace openexec
