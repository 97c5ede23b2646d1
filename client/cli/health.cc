// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <utility>

#include "client/cli/daemon_call.h"

namespace openexec::cli {
namespace {

bool says(const Json& json, std::string_view name) {
  const Json* value = json.find(name);
  return value != nullptr && *value == Json(true);
}

// "required, Landlock ABI 7, seccomp, cgroup"
std::string sandbox_text(const Json& sandbox) {
  const std::uint64_t abi = number_in(sandbox, "landlock_abi");
  return fmt::format("{}, {}, {}, {}", says(sandbox, "required") ? "required" : "not required",
                     abi == 0 ? "no Landlock" : fmt::format("Landlock ABI {}", abi),
                     says(sandbox, "seccomp") ? "seccomp" : "no seccomp",
                     says(sandbox, "cgroup") ? "a cgroup for each run" : "no cgroup");
}

void show_health(const Screen& screen, const Json& health, bool healthy) {
  const std::string* tenant = health.find_string("tenant_id");
  const bool is_signed = text_in(health, "signature_verification") == "enabled";
  screen.row(text_in(health, "status"),
             fmt::format("{}, signatures {}{}{}", text_in(health, "exec_mode"), is_signed ? "on" : "off",
                         tenant == nullptr ? "" : ", tenant ", tenant == nullptr ? "" : printable(*tenant)),
             healthy ? Colour::green : Colour::red);

  const Json* allow_list = health.find("allow_list");
  const Json::Array* allowed = allow_list == nullptr ? nullptr : allow_list->if_array();
  const std::uint64_t actions = number_in(health, "actions");
  screen.row("actions",
             fmt::format("{:<26} registry {}",
                         allowed == nullptr ? fmt::format("any of {}", actions)
                                            : fmt::format("restricted to {} of {}", allowed->size(), actions),
                         shortened(text_in(health, "registry"))));
  if (const Json* log = health.find("log")) {
    const Json* cosigned = log->find("cosigned");
    screen.row("log", fmt::format("{}, {} entries{}", text_in(*log, "origin"), with_separators(number_in(*log, "size")),
                                  cosigned == nullptr ? ""
                                                      : fmt::format(", witnessed to {} at {}",
                                                                    with_separators(number_in(*cosigned, "size")),
                                                                    moment_text(text_in(*cosigned, "at")))));
  }
  if (const Json* store = health.find("store")) {
    screen.row("store", fmt::format("{}, {} of {}, durability {}", text_in(*store, "dir"),
                                    with_unit(number_in(*store, "used_bytes")),
                                    with_unit(number_in(*store, "map_size_bytes")), text_in(health, "durability")));
  }

  if (const Json* sandbox = health.find("sandbox")) {
    screen.row("sandbox", sandbox_text(*sandbox));
  }

  const Json* member = health.find("warnings");
  const Json::Array* warnings = member == nullptr ? nullptr : member->if_array();
  std::string_view label = "warnings";
  if (const std::string* warning = health.find_string("warning")) {
    screen.row(std::exchange(label, ""), printable(*warning), Colour::yellow);
  }
  for (const Json& warning : warnings == nullptr ? Json::Array() : *warnings) {
    const std::string* text = warning.if_string();
    screen.row(std::exchange(label, ""), text == nullptr ? compact_text(warning) : printable(*text), Colour::yellow);
  }
  if (!label.empty()) {
    screen.row(label, "none");
  }
}

}  // namespace

Run set_up_health(App& app) {
  app.footer("Exits with 0 when the daemon is healthy and with 1 when it is not.\n\nExample:\n  openexec health");
  return [](const Globals& globals) {
    const Screen screen(globals);
    const auto health = ask(globals, screen, "health");
    if (!health) {
      return health.error();
    }
    const std::string* status = health->find_string("status");
    const bool healthy = status != nullptr && *status == "healthy";
    if (screen.human()) {
      show_health(screen, *health, healthy);
    } else {
      screen.document(*health);
    }
    return healthy ? Exit::done : Exit::refused;
  };
}

}  // namespace openexec::cli
