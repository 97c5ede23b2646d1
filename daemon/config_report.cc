// SPDX-License-Identifier: Apache-2.0
#include "daemon/config_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "proto-json/encoding.h"
#include "proto-json/utf8.h"

namespace openexec {
namespace {

// " (2 commands)"; empty where there is none.
std::string commands_text(const Registry& registry) {
  const auto count =
      std::ranges::count_if(registry.actions(), [](const auto& entry) { return entry.second.command != nullptr; });
  return count == 0 ? std::string() : fmt::format(" ({} command{})", count, count == 1 ? "" : "s");
}

std::string paths_text(std::string_view verb, const std::vector<std::string>& paths) {
  return fmt::format("{} {}", verb, paths.empty() ? "nothing" : fmt::format("{}", fmt::join(paths, " ")));
}

std::string sandbox_text(const SandboxRules& sandbox) {
  std::string out = paths_text("reads", sandbox.read) + ", " + paths_text("writes", sandbox.write);
  out += sandbox.network ? ", network" : ", no network";
  out += sandbox.unix_sockets ? ", Unix sockets" : "";
  if (sandbox.memory_bytes_max.has_value()) {
    out += fmt::format(", {} bytes of memory", *sandbox.memory_bytes_max);
  }
  if (sandbox.processes_max.has_value()) {
    out += fmt::format(", {} processes", *sandbox.processes_max);
  }
  return out;
}

}  // namespace

std::string describe(const Config& config, const Registry& registry) {
  const Policy& policy = config.policy;
  const std::string commands = commands_text(registry);
  if (policy.mode == Mode::demo && !policy.allowed_actions.has_value()) {
    return "demo mode: nothing is signed, anything registered may run" + commands;
  }
  const std::size_t all = registry.actions().size();
  const std::string actions = policy.allowed_actions.has_value()
                                  ? fmt::format("{} of {} actions{}", policy.allowed_actions->size(), all, commands)
                                  : fmt::format("{} actions{}", all, commands);
  if (policy.mode == Mode::demo) {
    return fmt::format("demo mode: nothing is signed, {} may run", actions);
  }
  const std::size_t keys = config.keyring.approvers().size();
  return fmt::format("clawshield mode: {} approver key{}, {}, {}", keys, keys == 1 ? "" : "s",
                     policy.any_tenant() ? "any tenant" : "tenant " + *policy.tenant_id, actions);
}

std::string one_line(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto character = first_utf8_character(text);
    const std::string_view bytes = text.substr(0, character.has_value() ? character->bytes : 1);
    out += character.has_value() && has_no_control_characters(bytes) ? bytes : "?";
    text.remove_prefix(bytes.size());
  }
  return out;
}

std::string check_report(const Config& config, const Registry& registry) {
  std::string out = fmt::format("ok  {}   socket {}   store {}\n", describe(config, registry),
                                one_line(config.socket.path), one_line(config.store.dir));
  for (const auto& [name, action] : registry.actions()) {
    if (action.command != nullptr) {
      out += fmt::format("command {}   {}   {}\n", name, action.command->executable(),
                         sandbox_text(action.command->sandbox));
    }
  }
  out += fmt::format("registry {}\n", to_hex(registry.digest().view()));
  for (const std::string& warning : config.command_warnings) {
    out += fmt::format("warning: {}\n", warning);
  }
  for (const std::string& unchecked : config.unchecked) {
    out += fmt::format("not checked here: {}\n", unchecked);
  }
  return out;
}

}  // namespace openexec
