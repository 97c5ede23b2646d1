// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/command_runner.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "daemon/core/command.h"
#include "daemon/core/command_result.h"
#include "daemon/core/fault_point.h"
#include "daemon/io/system_error.h"
#include "proto-json/canonical.h"
#include "proto-json/check.h"
#include "proto-json/crypto.h"
#include "proto-json/limits.h"

namespace openexec {
namespace {

std::vector<std::string_view> secret_texts(const CommandResources& resources) {
  std::vector<std::string_view> texts;
  for (const CommandSecret& secret : resources.secrets) {
    texts.push_back(secret.value.view());
  }
  return texts;
}

// Holds secrets until it is destroyed.
struct SecretPlan {
  launch::Plan plan;
  SecretPlan() = default;
  SecretPlan(const SecretPlan&) = delete;
  SecretPlan& operator=(const SecretPlan&) = delete;
  ~SecretPlan() {
    std::ranges::for_each(plan.env, [](std::string& variable) { wipe(variable); });
  }
};

void set_environment(launch::Plan& plan, const Command& command, const CommandResources& resources) {
  for (const auto& [name, value] : command.env) {
    plan.env.push_back(fmt::format("{}={}", name, value));
  }
  for (const CommandSecret& secret : resources.secrets) {
    std::string variable;
    variable.reserve(secret.variable.size() + 1 + secret.value.view().size());  // so that it is never copied
    variable.append(secret.variable).append("=").append(secret.value.view());
    plan.env.push_back(std::move(variable));
  }
}

std::int32_t landlock_abi_max() {
#ifdef OPENEXEC_FAULT_POINTS
  if (const char* abi = std::getenv("OPENEXEC_TEST_LANDLOCK_ABI")) {
    return std::atoi(abi);
  }
#endif
  return 0;
}

std::uint64_t time_ms_max(const Command& command) {
  return static_cast<std::uint64_t>(command.timeout_ms + limits::run_grace_ms + limits::run_overtime_ms);
}

}  // namespace

std::expected<UniqueFd, std::string> open_launcher() {
  std::error_code error;
  const std::filesystem::path own = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) {
    return std::unexpected("cannot tell where openexec-launch is: /proc/self/exe: " + error.message());
  }
  const std::array<std::filesystem::path, 2> paths = {
      own.parent_path() / "openexec-launch", own.parent_path().parent_path() / "libexec/openexec/openexec-launch"};
  for (const std::filesystem::path& path : paths) {
    const UniqueFd found(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    // Above the numbers that a launcher is started with.
    UniqueFd fd(found ? fcntl(found.get(), F_DUPFD_CLOEXEC, launch::executable_fd + 1) : -1);
    if (fd && access(path.c_str(), X_OK) == 0) {
      return fd;
    }
    if (errno != ENOENT && errno != ENOTDIR) {
      return std::unexpected(fmt::format("cannot use {}: {}", path.native(), system_message(errno)));
    }
  }
  return std::unexpected(fmt::format("the program openexec-launch, which starts commands, is neither {} nor {}",
                                     paths[0].native(), paths[1].native()));
}

struct CommandRunner::Live {
  Live(CommandRunner& runner, const Command& of, const CommandResources& with, RunDone call_back)
      : command(of),
        resources(with),
        done(std::move(call_back)),
        process(runner.loop_, runner.read_buffer_,
                [&runner, this](RunEnd end) { runner.process_ended(*this, std::move(end)); }) {}

  const Command& command;
  const CommandResources& resources;
  RunDone done;
  RunProcess process;
};

CommandRunner::CommandRunner(Loop& loop, UniqueFd launcher, CommandSettings settings,
                             const AllCommandResources& resources)
    : loop_(loop),
      launcher_(std::move(launcher)),
      settings_(std::move(settings)),
      resources_(resources),
      read_buffer_(limits::run_read_bytes),
      caller_back_(loop, [this] { call_back(); }),
      cleanups_(loop, [this] { caller_back_.send(); }) {}

CommandRunner::~CommandRunner() = default;

void CommandRunner::run(const Action& action, const Json& payload, RunDone done) {
  const auto resources = resources_.find(action.name);
  OPENEXEC_CHECK(action.command != nullptr && resources != resources_.end());
  auto owned = std::make_unique<Live>(*this, *action.command, resources->second, std::move(done));
  Live& run = *owned;
  live_.emplace(&run, std::move(owned));

  OPENEXEC_FAULT_POINT("command.before");
  auto orders = orders_for(run, payload);
  const auto started = orders ? run.process.start(*std::move(orders)) : std::unexpected(orders.error());
  if (!started) {
    ended(run, not_started_result(started.error()));
  }
}

std::expected<RunOrders, std::string> CommandRunner::orders_for(const Live& run, const Json& payload) const {
  const SandboxRules& sandbox = run.command.sandbox;
  SecretPlan secret;
  launch::Plan& plan = secret.plan;
  plan.argv = arguments_of(run.command, payload);
  set_environment(plan, run.command, run.resources);
  plan.read = sandbox.read;
  plan.write = sandbox.write;
  plan.network = sandbox.network;
  plan.unix_sockets = sandbox.unix_sockets;
  plan.is_sandbox_required = settings_.is_sandbox_required;
  plan.timeout_ms = run.command.timeout_ms;
  plan.grace_ms = limits::run_grace_ms;
  plan.memory_bytes_max = sandbox.memory_bytes_max.value_or(0);
  plan.processes_max = sandbox.processes_max.value_or(0);
  plan.cgroup = settings_.cgroup;
  plan.temp_parent = settings_.temp_parent;
  plan.landlock_abi_max = landlock_abi_max();

  RunOrders orders;
  orders.launcher = launcher_.get();
  orders.executable = run.resources.executable.get();
  orders.plan = launch::encode(plan);
  orders.captured_bytes_max = captured_bytes_max(run.command, secret_texts(run.resources));
  orders.time_ms_max = time_ms_max(run.command);
  orders.overtime_ms = static_cast<std::uint64_t>(limits::run_overtime_ms);
  switch (run.command.input) {
    case CommandInput::payload:
      orders.input = to_compact(payload);
      break;
    case CommandInput::none:
      break;
  }
  if (orders.plan.size() > limits::launch_plan_bytes_max) {
    wipe(orders.plan);
    return std::unexpected(fmt::format("its plan has more than {} bytes", limits::launch_plan_bytes_max));
  }
  return orders;
}

void CommandRunner::process_ended(const Live& run, RunEnd end) {
  OPENEXEC_FAULT_POINT("command.ended");
  if (end.launcher) {
    cleanups_.keep(std::move(end.launcher));
  }
  if (!end.report) {
    sweep();
    ended(run, lost_result());
  } else if (!end.report->not_started.empty()) {
    ended(run, not_started_result(end.report->not_started));
  } else {
    const launch::Report& report = *end.report;
    ended(run,
          command_result(run.command, {{report.is_signal, report.number}, report.timed_out, report.duration_us},
                         std::move(end.standard_output), std::move(end.standard_error), secret_texts(run.resources)));
  }
}

void CommandRunner::ended(const Live& run, RunResult result) {
  ended_.emplace_back(std::move(live_.extract(&run).mapped()), std::move(result));
  caller_back_.send();
}

// With too many launchers at their folders no run ends, so that no other begins and leaves one more.
void CommandRunner::call_back() {
  if (cleanups_.count() > limits::late_cleanups_max) {
    return;
  }
  for (auto& [run, result] : std::exchange(ended_, {})) {
    run->done(std::move(result));
  }
}

void CommandRunner::sweep() { cleanups_.sweep(launcher_.get(), settings_.temp_parent); }

bool CommandRunner::may_be_of_a_run(pid_t pid) const {
  if (pid <= 0) {
    return false;  // of another pid namespace: no run of ours is in one
  }
  const pid_t session = getsid(pid);
  return session < 0 ||
         std::ranges::any_of(live_, [&](const auto& run) { return run.second->process.session() == session; });
}

}  // namespace openexec
