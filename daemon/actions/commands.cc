// SPDX-License-Identifier: Apache-2.0
#include "daemon/actions/commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "daemon/actions/action_files.h"
#include "daemon/actions/action_schema.h"
#include "daemon/actions/credentials.h"
#include "daemon/actions/executable.h"
#include "daemon/actions/fixed_files.h"
#include "daemon/paths.h"
#include "proto-json/names.h"

namespace openexec {
namespace {

using Status = std::expected<void, std::string>;

// The error behind the place that says what is wrong.
std::unexpected<std::string> refused(const std::string& where, std::string_view what) {
  return std::unexpected(fmt::format("{}: {}", where, what));
}

std::expected<UniqueFd, std::string> open_executable_of(const ActionFile& file) {
  const std::string& path = file.command.executable();
  auto executable = open_executable(path);
  if (!executable.has_value()) {
    return refused(file.at("argv"), fmt::format("{}: {}", quoted_name(path), executable.error()));
  }
  if (!file.command.sha256.has_value()) {
    return executable;
  }
  auto pinned = pin_executable(*executable, *file.command.sha256);
  return pinned.has_value() ? std::move(pinned)
                            : refused(file.at("sha256"), fmt::format("{}: {}", quoted_name(path), pinned.error()));
}

std::expected<SecretText, std::string> read_secret(const CommandSurroundings& around, const std::string& where,
                                                   const std::string& credential) {
  if (!is_credential_name(credential)) {
    return refused(where, fmt::format("{} is no credential's name: [A-Za-z0-9_.-]", quoted_name(credential)));
  }
  if (!around.credentials_folder.has_value()) {
    return refused(where, fmt::format("there are no credentials: CREDENTIALS_DIRECTORY is not set; with systemd, say "
                                      "LoadCredential={}:FILE",
                                      credential));
  }
  if (resolved(*around.credentials_folder + "/" + credential) == resolved(around.log_key)) {
    return refused(where, "that is the log's key, which is no command's secret");
  }
  auto secret = read_credential(*around.credentials_folder, credential);
  return secret.has_value() ? std::move(secret) : refused(where, secret.error());
}

// What the files of one folder are loaded with, and what comes of it.
struct Loading {
  const CommandSurroundings& around;
  PathGuard guard;
  LoadedCommands out;
};

std::expected<std::vector<CommandSecret>, std::string> read_secrets(Loading& loading, const ActionFile& file) {
  std::vector<CommandSecret> out;
  for (const auto& [variable, credential] : file.command.secrets) {
    const std::string where = file.at("secrets." + variable);
    if (loading.around.is_check && !loading.around.credentials_folder.has_value() && is_credential_name(credential)) {
      loading.out.unchecked.push_back(
          fmt::format("{}: the credential {}: CREDENTIALS_DIRECTORY is not set", where, credential));
      continue;
    }
    auto secret = read_secret(loading.around, where, credential);
    if (!secret.has_value()) {
      return std::unexpected(secret.error());
    }
    out.push_back({variable, *std::move(secret)});
  }
  return out;
}

Status resolve_paths(const PathGuard& guard, const std::string& where, PathUse use, std::vector<std::string>& paths) {
  for (std::string& path : paths) {
    auto found = guard.sandbox_path(path, use);
    if (!found.has_value()) {
      return refused(where, found.error());
    }
    path = *std::move(found);
  }
  return {};
}

Status check_processes(Loading& loading, const ActionFile& file) {
  const auto& cgroup = loading.around.cgroup;
  if (!file.command.sandbox.processes_max.has_value() || (cgroup.has_value() && cgroup->pids)) {
    return {};
  }
  const std::string where = file.at("sandbox.processes");
  if (loading.around.is_check && !cgroup.has_value()) {
    loading.out.unchecked.push_back(where + ": no cgroup is delegated to this process");
    return {};
  }
  return refused(where,
                 "no cgroup with the pids controller is delegated to the daemon; with systemd, say Delegate=pids and "
                 "ProtectControlGroups=no, or leave it out");
}

Status resolve_sandbox(Loading& loading, ActionFile& file) {
  SandboxRules& sandbox = file.command.sandbox;
  auto status = resolve_paths(loading.guard, file.at("sandbox.read"), PathUse::read, sandbox.read);
  if (status.has_value()) {
    status = resolve_paths(loading.guard, file.at("sandbox.write"), PathUse::write, sandbox.write);
  }
  return status.has_value() ? check_processes(loading, file) : status;
}

Action action_of(ActionFile file, Schema schema) {
  const auto command = std::make_shared<const Command>(std::move(file.command));
  Action out;
  out.name = std::move(file.name);
  out.description = std::move(file.description);
  out.schema = schema.document();
  out.effect = file.effect;
  out.concurrency = file.concurrency;
  out.command = command;
  out.check = [command, schema = std::move(schema)](const Json& payload) {
    auto objection = schema.objection(payload);
    return objection.has_value() ? objection : arguments_objection(*command, schema.document(), payload);
  };
  return out;
}

Status add_command(Loading& loading, ActionFile file, Registry& registry) {
  auto schema = action_schema(file);
  if (!schema.has_value()) {
    return std::unexpected(schema.error());
  }
  if (auto status = resolve_sandbox(loading, file); !status.has_value()) {
    return status;
  }
  if (auto status = check_fixed_files(file); !status.has_value()) {
    return status;
  }
  auto executable = open_executable_of(file);
  if (!executable.has_value()) {
    return std::unexpected(executable.error());
  }
  auto secrets = read_secrets(loading, file);
  if (!secrets.has_value()) {
    return std::unexpected(secrets.error());
  }
  const std::string where = file.at("name");
  const std::string name = file.name;
  if (const auto added = registry.add(action_of(std::move(file), *std::move(schema))); !added.has_value()) {
    return refused(where, added.error());
  }
  loading.out.resources.emplace(name, CommandResources{*std::move(executable), *std::move(secrets)});
  return {};
}

// Before anything else is looked at: of two files with one name, both are named.
Status check_names(const std::vector<ActionFile>& files, const Registry& registry) {
  for (auto file = files.begin(); file != files.end(); ++file) {
    if (registry.find(file->name) != nullptr) {
      return refused(file->at("name"),
                     fmt::format("{} is an action of the daemon's own; choose another name", file->name));
    }
    const auto first =
        std::find_if(files.begin(), file, [&](const ActionFile& other) { return other.name == file->name; });
    if (first != file) {
      return refused(file->at("name"),
                     fmt::format("{} is defined by {} as well; choose another name", file->name, first->path));
    }
  }
  return {};
}

// With what the commands themselves add: their files, which may be links out of the folder, and their executables.
GuardedPaths guarded_paths(const CommandSurroundings& around, const std::vector<ActionFile>& files) {
  GuardedPaths out = around.guarded;
  for (const ActionFile& file : files) {
    out.unwritable.push_back({file.path, "the definition of " + file.name});
    out.unwritable.push_back({file.command.executable(), "the executable of " + file.name});
  }
  return out;
}

}  // namespace

std::expected<LoadedCommands, std::string> load_commands(const CommandSurroundings& around, Registry& registry) {
  auto folder = read_action_files(around.folder);
  if (!folder.has_value()) {
    return std::unexpected(folder.error());
  }
  if (const auto status = check_names(folder->files, registry); !status.has_value()) {
    return std::unexpected(status.error());
  }
  auto guard = PathGuard::of(guarded_paths(around, folder->files));
  if (!guard.has_value()) {
    return std::unexpected(guard.error());
  }
  Loading loading{around, *std::move(guard), {}};
  std::vector<GuardedPath> arguments;
  for (ActionFile& file : folder->files) {
    std::ranges::move(fixed_files(file), std::back_inserter(arguments));
    if (const auto status = add_command(loading, std::move(file), registry); !status.has_value()) {
      return std::unexpected(status.error());
    }
  }
  loading.out.warnings = std::move(folder->warnings);
  auto warnings = fixed_file_warnings(arguments, registry);
  if (!warnings.has_value()) {
    return std::unexpected(warnings.error());
  }
  std::ranges::move(*warnings, std::back_inserter(loading.out.warnings));
  return std::move(loading.out);
}

}  // namespace openexec
