// SPDX-License-Identifier: Apache-2.0
// What flags, environment and file say, before it is put together: each value with the place that said it.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "daemon/command_line.h"
#include "daemon/io/cgroup.h"
#include "daemon/launch/kernel.h"

namespace openexec {

template <typename T>
struct Said {
  T value;
  std::string where;  // "--mode", "OPENEXEC_MODE", "FILE:3: mode": errors begin with it
};
template <typename T>
using Setting = std::optional<Said<T>>;

using Texts = std::vector<std::string>;
using Ids = std::vector<std::uint32_t>;

struct Settings {
  Setting<std::string> mode;
  Setting<std::string> tenant_id;
  Setting<Texts> allowed_actions;
  Setting<std::string> db_url;

  Setting<std::string> socket_path;
  Setting<std::uint32_t> socket_mode;
  Setting<Ids> allow_uids;
  Setting<Ids> allow_gids;

  Setting<std::string> approval_keys;  // PEM text, a file or a folder
  Setting<std::int64_t> clock_skew_s;
  Setting<std::int64_t> lifetime_s_max;
  Setting<Texts> formats;

  Setting<std::string> origin;
  Setting<Ids> reader_uids;
  Setting<std::string> log_key;  // a file
  Setting<Texts> witnesses;      // vkeys

  Setting<std::string> actions_dir;
  Setting<bool> sandbox_required;

  Setting<std::uint64_t> runs_max;
  Setting<std::uint64_t> queued_max;
  Setting<std::uint32_t> requests_per_second;  // of each uid; 0: any number
  Setting<std::uint64_t> line_bytes_max;
  Setting<std::uint64_t> in_flight_per_connection;
  Setting<std::uint64_t> connections_max;
  Setting<std::uint64_t> backlog;
  Setting<std::uint32_t> denied_entries_per_second;

  Setting<std::uint64_t> map_size_bytes;
  Setting<std::uint64_t> warn_percent;
  Setting<std::string> high_water;  // a file

  std::optional<std::string> file;  // the configuration file that was read, as an absolute path
  bool is_check = false;            // --check: what only the service itself has need not be there
};

// What the configuration depends on beside flags and files.
struct Surroundings {
  std::function<std::optional<std::string>(const char* name)> env;
  std::uint32_t uid = 0;
  std::string hostname;
  bool system_socket_exists = false;
  std::string system_config = "/etc/openexec/openexec.toml";  // read when it is there
  std::vector<std::string> program_dirs;                      // of the daemon's own programs
  launch::KernelFeatures kernel;
  std::optional<DelegatedCgroup> cgroup;

  static Surroundings of_this_process();
  // One that is set to nothing counts as unset.
  [[nodiscard]] std::optional<std::string> variable(const char* name) const;
};

// File, environment and flags, the later over the earlier. The error is one line that says what to change.
std::expected<Settings, std::string> gather_settings(const CommandLine& flags, const Surroundings& around);

}  // namespace openexec
