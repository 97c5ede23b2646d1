// SPDX-License-Identifier: Apache-2.0
#include "daemon/config.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <functional>

#include "daemon/command_config.h"
#include "daemon/config_report.h"
#include "daemon/io/high_water_file.h"
#include "daemon/io/unix_address.h"
#include "daemon/key_files.h"
#include "daemon/paths.h"
#include "proto-json/message.h"
#include "proto-json/socket_path.h"

namespace openexec {
namespace {

using Status = std::expected<void, std::string>;

constexpr std::string_view clawshield_format = "clawshield-v1";
constexpr std::string_view dsse_format = "dsse";

template <typename... Args>
std::unexpected<std::string> refuse(fmt::format_string<Args...> form, Args&&... args) {
  return std::unexpected(fmt::format(form, std::forward<Args>(args)...));
}

Status set_mode(Config& config, const Settings& settings) {
  if (settings.mode.has_value()) {
    const auto mode = mode_named(settings.mode->value);
    if (!mode.has_value()) {
      return refuse("{}: '{}' is no mode; say demo or clawshield", settings.mode->where, settings.mode->value);
    }
    config.policy.mode = *mode;
  }
  return {};
}

Status set_approvals(Config& config, const Settings& settings) {
  if (settings.formats.has_value()) {
    for (const std::string& format : settings.formats->value) {
      if (format == dsse_format) {
        return refuse("{}: dsse is not in this release; leave it out", settings.formats->where);
      }
      if (format != clawshield_format) {
        return refuse("{}: '{}' is no format; say {}", settings.formats->where, format, clawshield_format);
      }
    }
    if (settings.formats->value.empty()) {
      return refuse("{}: no format is named, so nothing could be approved; say {}", settings.formats->where,
                    clawshield_format);
    }
  }
  if (settings.clock_skew_s.has_value()) {
    config.policy.clock_skew_s = settings.clock_skew_s->value;
    config.commit_rules.clock_skew_s = settings.clock_skew_s->value;
  }
  if (settings.lifetime_s_max.has_value()) {
    config.policy.approval_lifetime_s_max = settings.lifetime_s_max->value;
  }
  if (config.policy.mode == Mode::demo) {
    config.warnings.emplace_back("demo mode: nothing is signed, anything registered may run");
    for (const auto* unused : {&settings.approval_keys, &settings.tenant_id}) {
      if (unused->has_value()) {
        config.warnings.push_back(
            fmt::format("{} has no effect in demo mode; set the mode to clawshield", (*unused)->where));
      }
    }
    return {};
  }

  if (!settings.approval_keys.has_value()) {
    return refuse(
        "clawshield mode needs an approver's public key; set CLAWSHIELD_PUBLIC_KEY to PEM text or a path, or "
        "[approval] keys");
  }
  auto keys = load_approver_keys(*settings.approval_keys);
  if (!keys.has_value()) {
    return std::unexpected(keys.error());
  }
  config.keyring = std::move(keys->keyring);
  config.approver_key_files = std::move(keys->files);
  if (!settings.tenant_id.has_value()) {
    return refuse("clawshield mode needs a tenant; set CLAWSHIELD_TENANT_ID or tenant_id (* accepts any)");
  }
  if (!is_tenant_id(settings.tenant_id->value)) {
    return refuse("{}: a tenant has 1 to {} bytes of UTF-8 and no control characters; correct it",
                  settings.tenant_id->where, limits::tenant_id_bytes_max);
  }
  config.policy.tenant_id = settings.tenant_id->value;
  return {};
}

Status set_actions(Config& config, const Settings& settings, const Registry& registry) {
  if (!settings.allowed_actions.has_value()) {
    return {};
  }
  Texts& allowed = config.policy.allowed_actions.emplace();
  for (const std::string& name : settings.allowed_actions->value) {
    if (registry.find(name) == nullptr) {
      return refuse("{}: there is no action '{}'; correct or remove it", settings.allowed_actions->where, name);
    }
    if (std::find(allowed.begin(), allowed.end(), name) == allowed.end()) {
      allowed.push_back(name);
    }
  }
  return {};
}

std::expected<std::string, std::string> state_dir_of_url(const Said<std::string>& url) {
  constexpr std::string_view lmdb = "lmdb://";
  if (url.value.starts_with("sqlite")) {
    return refuse("{}: a SQLite database cannot be used, and nonces used there are not known here; say lmdb:///DIR",
                  url.where);
  }
  if (!url.value.starts_with(lmdb) || url.value.size() < lmdb.size() + 2 || url.value[lmdb.size()] != '/') {
    return refuse("{}: '{}' names no store; say lmdb:///DIR with an absolute path", url.where, url.value);
  }
  return url.value.substr(lmdb.size());
}

Status set_store(Config& config, const Settings& settings, const Surroundings& around) {
  if (settings.db_url.has_value()) {
    auto dir = state_dir_of_url(*settings.db_url);
    if (!dir.has_value()) {
      return std::unexpected(dir.error());
    }
    config.store.dir = *std::move(dir);
  } else if (const auto given = around.variable("STATE_DIRECTORY"); given.has_value()) {
    config.store.dir = given->substr(0, given->find(':')) + "/store";  // systemd joins several so: the first is ours
  } else if (const auto state_home = around.variable("XDG_STATE_HOME"); state_home.has_value()) {
    config.store.dir = *state_home + "/openexec/store";
  } else if (const auto home = around.variable("HOME"); home.has_value()) {
    config.store.dir = *home + "/.local/state/openexec/store";
  } else if (around.uid == 0) {
    config.store.dir = "/var/lib/openexec/store";
  }
  if (!config.store.dir.starts_with('/')) {
    return refuse("nothing says where to keep the store; set OPENEXEC_DB_URL=lmdb:///DIR");
  }
  config.high_water_path =
      settings.high_water.has_value() ? settings.high_water->value : HighWaterFile::path_beside(config.store.dir);
  if (!config.high_water_path.starts_with('/') || lies_in(config.high_water_path, config.store.dir)) {
    return refuse("{}: '{}' is no absolute path outside of the store's folder; a mark inside would be put back with it",
                  settings.high_water->where, config.high_water_path);
  }
  config.make_state_dir = settings.db_url.has_value() ? MakeDir::last : MakeDir::all;
  if (settings.map_size_bytes.has_value()) {
    config.store.map_size_bytes = settings.map_size_bytes->value;
  }
  if (settings.warn_percent.has_value()) {
    config.commit_rules.warn_percent = static_cast<unsigned>(settings.warn_percent->value);
  }
  config.store.mode = config.policy.mode;
  config.store.tenant_id = config.policy.tenant_id;
  return {};
}

// An origin is also the name of the log's key, and needs room for an epoch behind it.
bool is_origin(std::string_view text) { return text.size() <= limits::origin_bytes_max && is_note_key_name(text); }

Status set_log_key(Config& config, const Settings& settings, const Surroundings& around) {
  constexpr std::string_view credential = "/log.key";
  const auto credentials = around.variable("CREDENTIALS_DIRECTORY");
  if (settings.log_key.has_value()) {
    if (!settings.log_key->value.starts_with('/')) {
      return refuse("{}: '{}' is no absolute path", settings.log_key->where, settings.log_key->value);
    }
    config.log_key = {settings.log_key->value};
  } else if (credentials.has_value() && access((*credentials + std::string(credential)).c_str(), F_OK) == 0) {
    config.log_key = {.path = *credentials + std::string(credential), .is_credential = true};
  } else {
    config.log_key = {.path = log_key_path(config.store.dir), .is_ours = true};
  }
  return {};
}

Status set_witnesses(Config& config, const Settings& settings) {
  if (!settings.witnesses.has_value()) {
    return {};
  }
  const auto& [vkeys, where] = *settings.witnesses;
  if (vkeys.size() > limits::witnesses_max) {
    return refuse("{}: it names {} witnesses and {} are the most", where, vkeys.size(), limits::witnesses_max);
  }
  for (const std::string& vkey : vkeys) {
    auto key = read_vkey(vkey);
    if (!key.has_value()) {
      return refuse("{}: '{}': {}", where, vkey, key.error());
    }
    if (key->type != NoteKeyType::cosignature) {
      return refuse("{}: '{}' is the key of a log; a witness shows its own with  openexec witness show", where, vkey);
    }
    if (std::ranges::find(config.policy.witnesses, key->key, &NoteKey::key) != config.policy.witnesses.end()) {
      return refuse("{}: '{}' is there twice; one witness counts once", where, vkey);
    }
    config.policy.witnesses.push_back(*std::move(key));
  }
  return {};
}

Status set_log(Config& config, const Settings& settings, const Surroundings& around) {
  const auto origin = settings.origin.value_or(Said<std::string>{around.hostname + "/openexec", "the host's name"});
  if (!is_origin(origin.value)) {
    return refuse(
        "{}: '{}' cannot name a log: up to {} bytes with no space, '+' or control character; set [log] origin",
        origin.where, origin.value, limits::origin_bytes_max);
  }
  config.policy.origin = origin.value;
  config.store.origin = origin.value;
  config.store.origin_is_default = !settings.origin.has_value();
  if (settings.reader_uids.has_value()) {
    config.policy.reader_uids = settings.reader_uids->value;
  }
  if (settings.denied_entries_per_second.has_value()) {
    config.policy.denied_entries_per_second = settings.denied_entries_per_second->value;
  }
  auto status = set_log_key(config, settings, around);
  return status.has_value() ? set_witnesses(config, settings) : status;
}

Status set_socket(Config& config, const Settings& settings, const Surroundings& around) {
  SocketPathFacts facts;
  facts.xdg_runtime_dir = around.variable("XDG_RUNTIME_DIR");
  facts.is_root = around.uid == 0;
  facts.system_socket_exists = around.system_socket_exists;
  facts.uid = around.uid;
  config.socket.path = settings.socket_path.has_value() ? settings.socket_path->value : default_socket_path(facts);
  config.socket.make_dir = !settings.socket_path.has_value();
  config.socket.backlog = SOMAXCONN;
  if (const auto address = unix_address(config.socket.path); !address.has_value()) {
    return refuse("{}: {}", settings.socket_path.has_value() ? settings.socket_path->where : "the default socket",
                  address.error());
  }
  if (settings.socket_mode.has_value()) {
    config.socket.mode = settings.socket_mode->value;
  }
  if (settings.allow_uids.has_value()) {
    config.policy.allow_uids = settings.allow_uids->value;
  }
  if (settings.allow_gids.has_value()) {
    config.policy.allow_gids = settings.allow_gids->value;
  }
  if (settings.backlog.has_value()) {
    config.socket.backlog = static_cast<int>(settings.backlog->value);
  }
  return {};
}

Status set_limits(Config& config, const Settings& settings) {
  if (settings.line_bytes_max.has_value()) {
    config.connection.line_bytes_max = settings.line_bytes_max->value;
  }
  if (settings.in_flight_per_connection.has_value()) {
    config.connection.in_flight_max = settings.in_flight_per_connection->value;
  }
  if (settings.connections_max.has_value()) {
    config.connections_max = settings.connections_max->value;
  }
  if (settings.runs_max.has_value()) {
    config.policy.runs_max = settings.runs_max->value;
  }
  if (settings.queued_max.has_value()) {
    config.policy.queued_max = settings.queued_max->value;
  }
  if (settings.requests_per_second.has_value()) {
    config.policy.requests_per_second = settings.requests_per_second->value;
  }
  return {};
}

}  // namespace

std::expected<Config, std::string> load_config(const CommandLine& flags, const Surroundings& around,
                                               Registry& registry) {
  const auto settings = gather_settings(flags, around);
  if (!settings.has_value()) {
    return std::unexpected(settings.error());
  }

  Config config;
  config.policy.own_uid = around.uid;
  // In order: the commands are held against the places that come before, the allow-list against them.
  const std::function<Status()> steps[] = {
      [&] { return set_mode(config, *settings); },
      [&] { return set_approvals(config, *settings); },
      [&] { return set_store(config, *settings, around); },
      [&] { return set_log(config, *settings, around); },
      [&] { return set_socket(config, *settings, around); },
      [&] { return set_limits(config, *settings); },
      [&] { return set_commands(config, *settings, around, registry); },
      [&] { return set_actions(config, *settings, registry); },
  };
  for (const auto& step : steps) {
    if (const Status status = step(); !status.has_value()) {
      return std::unexpected(status.error());
    }
  }
  for (std::vector<std::string>* const lines : {&config.warnings, &config.command_warnings, &config.unchecked}) {
    std::ranges::transform(*lines, lines->begin(), [](const std::string& line) { return one_line(line); });
  }
  config.commit_rules.registry = registry.digest();
  return config;
}

}  // namespace openexec
