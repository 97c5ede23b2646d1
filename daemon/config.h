// SPDX-License-Identifier: Apache-2.0
// The daemon's configuration: flags over environment over file over default, checked as a whole before anything is
// made.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <vector>

#include "daemon/command_line.h"
#include "daemon/core/commit.h"
#include "daemon/core/keyring.h"
#include "daemon/core/policy.h"
#include "daemon/core/registry.h"
#include "daemon/core/store.h"
#include "daemon/io/command_resources.h"
#include "daemon/io/connection_limits.h"
#include "daemon/io/listening_socket.h"
#include "daemon/io/private_dir.h"
#include "daemon/log_key.h"
#include "daemon/settings.h"

namespace openexec {

struct Config {
  Policy policy;
  Keyring keyring;
  std::vector<std::string> approver_key_files;  // that the keyring was read from
  StoreOptions store;
  MakeDir make_state_dir = MakeDir::last;
  LogKeyFile log_key;
  std::string high_water_path;
  CommitRules commit_rules;
  SocketSettings socket;
  ConnectionLimits connection;
  std::size_t connections_max = limits::connections_max;
  AllCommandResources resources;
  bool sandbox_required = false;  // the minimum of docs/sandbox.md, or no run
  launch::KernelFeatures kernel;
  std::optional<DelegatedCgroup> cgroup;
  std::string temp_parent = "/tmp";           // of the runs' temporary folders
  std::vector<std::string> warnings;          // for `health`
  std::vector<std::string> command_warnings;  // those of them that the log of the start has as well
  std::vector<std::string> unchecked;         // what --check could not look at, outside of the service
};

// Makes and changes nothing but for the registry, to which it adds the commands. The error is one line that says what
// to change; the registry may then hold some of them.
std::expected<Config, std::string> load_config(const CommandLine& flags, const Surroundings& around,
                                               Registry& registry);

}  // namespace openexec
