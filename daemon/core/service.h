// SPDX-License-Identifier: Apache-2.0
// The methods of the agent socket (docs/protocol.md): a request in, one line out, exactly once.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "daemon/core/engine.h"
#include "proto-json/message.h"

namespace openexec {

inline constexpr std::string_view version = "0.1.0";
inline constexpr int protocol_version = 1;

// What holds commands back on this host.
struct SandboxState {
  bool required = false;
  int landlock_abi = 0;  // 0: none
  bool seccomp = false;
  bool cgroup = false;               // each run can have a group of its own
  std::vector<std::string> missing;  // what cannot be enforced, one line each
};

class Service {
 public:
  // A whole line, with its end.
  using Respond = std::move_only_function<void(std::string)>;

  // Everything outlives the service. `warnings` are for `health`: what an operator should know of this start.
  Service(const Clock& clock, Engine& engine, const Committer& committer, const Registry& registry,
          const Policy& policy, std::vector<std::string> warnings, unsigned store_warn_percent,
          SandboxState sandbox = {});

  // Answers exactly once, maybe before it returns.
  void handle(const Caller& caller, Request request, Respond respond);

 private:
  struct Method;
  static const Method methods[];

  [[nodiscard]] Result<ReadTxn> read() const;
  template <typename Query, typename Answer>
  Result<Json> answer_from_log(const Result<Query>& query, Answer answer) const;

  void execute(const Caller& caller, Request request, Respond respond);
  void log_cosigned(const Caller& caller, const Request& request, Respond respond);
  Result<Json> info(const Caller& caller, const Json& params);
  Result<Json> health(const Caller& caller, const Json& params);
  Result<Json> ready(const Caller& caller, const Json& params);
  Result<Json> version_info(const Caller& caller, const Json& params);
  Result<Json> actions_list(const Caller& caller, const Json& params);
  Result<Json> receipts_verify(const Caller& caller, const Json& params);
  Result<Json> receipts_get(const Caller& caller, const Json& params);
  Result<Json> log_checkpoint(const Caller& caller, const Json& params);
  Result<Json> log_entries(const Caller& caller, const Json& params);
  Result<Json> log_inclusion(const Caller& caller, const Json& params);
  Result<Json> log_consistency(const Caller& caller, const Json& params);

  const Clock& clock_;
  Engine& engine_;
  const Committer& committer_;
  const Registry& registry_;
  const Policy& policy_;
  const std::vector<std::string> warnings_;
  const unsigned store_warn_percent_;
  const SandboxState sandbox_;
  const Json actions_;  // the registry is sealed, and may be large
};

}  // namespace openexec
