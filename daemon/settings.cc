// SPDX-License-Identifier: Apache-2.0
#include "daemon/settings.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "daemon/config_file.h"
#include "daemon/io/ownership.h"
#include "daemon/io/small_file.h"
#include "proto-json/limits.h"
#include "proto-json/socket_path.h"

namespace openexec {
namespace {

std::expected<Settings, std::string> read_file_settings(const CommandLine& flags, const Surroundings& around) {
  std::error_code ignored;
  if (!flags.config.has_value() && !std::filesystem::exists(around.system_config, ignored) && !ignored) {
    return Settings();
  }
  const std::string path = flags.config.value_or(around.system_config);
  const auto text = read_small_file(path, limits::config_file_bytes_max, write_objection);
  if (!text.has_value()) {
    return std::unexpected(fmt::format("cannot use the configuration {}: {}; correct it, or name another with --config",
                                       path, text.error()));
  }
  auto settings = read_config(*text, path);
  if (settings.has_value()) {
    settings->file = std::filesystem::absolute(path, ignored).lexically_normal().string();
  }
  return settings;
}

// "a, b": trimmed, empty names dropped.
Texts split_names(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  Texts out;
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    std::string_view name = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    name.remove_prefix(std::min(name.find_first_not_of(blank), name.size()));
    name = name.substr(0, name.find_last_not_of(blank) + 1);
    if (!name.empty()) {
      out.emplace_back(name);
    }
  }
  return out;
}

void add_environment(Settings& settings, const Surroundings& around) {
  const auto take = [&](Setting<std::string>& setting, const char* name) {
    if (auto value = around.variable(name); value.has_value()) {
      setting = {*std::move(value), name};
    }
  };
  take(settings.mode, "OPENEXEC_MODE");
  take(settings.tenant_id, "CLAWSHIELD_TENANT_ID");
  take(settings.approval_keys, "CLAWSHIELD_PUBLIC_KEY");
  take(settings.db_url, "OPENEXEC_DB_URL");
  take(settings.socket_path, "OPENEXEC_SOCKET");
  if (const auto names = around.variable("OPENEXEC_ALLOWED_ACTIONS"); names.has_value()) {
    settings.allowed_actions = {split_names(*names), "OPENEXEC_ALLOWED_ACTIONS"};
  }
}

void add_flags(Settings& settings, const CommandLine& flags) {
  if (flags.mode.has_value()) {
    settings.mode = {*flags.mode, "--mode"};
  }
  settings.is_check = flags.check;
  if (flags.socket.has_value()) {
    settings.socket_path = {*flags.socket, "--socket"};
  }
}

}  // namespace

Surroundings Surroundings::of_this_process() {
  Surroundings around;
  around.env = [](const char* name) -> std::optional<std::string> {
    const char* value = std::getenv(name);
    return value != nullptr ? std::optional<std::string>(value) : std::nullopt;
  };
  around.uid = geteuid();
  std::array<char, 256> hostname{};
  if (gethostname(hostname.data(), hostname.size() - 1) == 0) {
    around.hostname = hostname.data();
  }
  std::error_code ignored;
  if (const auto program = std::filesystem::read_symlink("/proc/self/exe", ignored); program.is_absolute()) {
    const auto dir = program.parent_path();
    around.program_dirs = {dir.string(), (dir.parent_path() / "libexec" / "openexec").string()};
  }
  around.kernel = launch::kernel_features();
  around.cgroup = find_delegated_cgroup();
  around.system_socket_exists = access(std::string(system_socket_path).c_str(), F_OK) == 0;
  return around;
}

std::optional<std::string> Surroundings::variable(const char* name) const {
  auto value = env(name);
  return value.has_value() && !value->empty() ? value : std::nullopt;
}

std::expected<Settings, std::string> gather_settings(const CommandLine& flags, const Surroundings& around) {
  auto settings = read_file_settings(flags, around);
  if (settings.has_value()) {
    add_environment(*settings, around);
    add_flags(*settings, flags);
  }
  return settings;
}

}  // namespace openexec
