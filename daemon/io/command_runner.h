// SPDX-License-Identifier: Apache-2.0
// Runs commands, each by a launcher of its own. Whatever goes wrong with one is the `failed` result of that run.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <expected>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/core/runner.h"
#include "daemon/io/cleanups.h"
#include "daemon/io/command_resources.h"
#include "daemon/io/loop.h"
#include "daemon/io/run_process.h"
#include "daemon/io/unique_fd.h"
#include "daemon/io/watchers.h"

namespace openexec {

// The program openexec-launch, beside this one or where it is installed; the error says where it was sought.
std::expected<UniqueFd, std::string> open_launcher();

struct CommandSettings {
  bool is_sandbox_required = true;
  std::string temp_parent;  // the folder of the runs' temporary folders
  std::string cgroup;       // a delegated one; empty: none
};

class CommandRunner final : public Runner {
 public:
  // The resources are those of every command that will be run, and outlive the runner.
  CommandRunner(Loop& loop, UniqueFd launcher, CommandSettings settings, const AllCommandResources& resources);
  // What runs is killed; it is not called back.
  ~CommandRunner() override;
  CommandRunner(const CommandRunner&) = delete;
  CommandRunner& operator=(const CommandRunner&) = delete;

  void run(const Action& action, const Json& payload, RunDone done) override;

  // Removes the temporary folders that killed launchers left, in the background. After a run whose launcher was killed
  // that is done without being asked for.
  void sweep();

  // Whether that process belongs to a run; one that has ended may have.
  [[nodiscard]] bool may_be_of_a_run(pid_t pid) const;

 private:
  struct Live;

  [[nodiscard]] std::expected<RunOrders, std::string> orders_for(const Live& run, const Json& payload) const;
  void process_ended(const Live& run, RunEnd end);
  void ended(const Live& run, RunResult result);
  void call_back();

  Loop& loop_;
  const UniqueFd launcher_;
  const CommandSettings settings_;
  const AllCommandResources& resources_;
  std::vector<char> read_buffer_;
  std::unordered_map<const Live*, std::unique_ptr<Live>> live_;
  std::vector<std::pair<std::unique_ptr<Live>, RunResult>> ended_;  // to be called back from the loop
  Waker caller_back_;
  Cleanups cleanups_;
};

}  // namespace openexec
