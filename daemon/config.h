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
#include "daemon/io/connection_limits.h"
#include "daemon/io/listening_socket.h"
#include "daemon/io/private_dir.h"
#include "daemon/log_key.h"
#include "daemon/settings.h"

namespace openexec {

struct Config {
  Policy policy;
  Keyring keyring;
  StoreOptions store;
  MakeDir make_state_dir = MakeDir::last;
  LogKeyFile log_key;
  std::string high_water_path;
  CommitRules commit_rules;
  SocketSettings socket;
  ConnectionLimits connection;
  std::size_t connections_max = limits::connections_max;
  std::vector<std::string> warnings;  // for `health`
};

// Makes and changes nothing. The error is one line that says what to change.
std::expected<Config, std::string> load_config(const CommandLine& flags, const Surroundings& around,
                                               const Registry& registry);

// "clawshield mode: 2 approver keys, tenant acme, 1 of 3 actions", for the start's line.
std::string describe(const Config& config, const Registry& registry);

}  // namespace openexec
