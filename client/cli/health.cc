// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>

#include "client/cli/daemon_call.h"

namespace openexec::cli {
namespace {

std::string text_of(const Json& json, std::string_view key) {
  const std::string* found = json.find_string(key);
  return found == nullptr ? "?" : printable(*found);
}

std::uint64_t number_of(const Json& json, std::string_view key) {
  const Json* found = json.find(key);
  const std::int64_t* number = found == nullptr ? nullptr : found->if_int();
  return number == nullptr ? 0 : static_cast<std::uint64_t>(std::max<std::int64_t>(*number, 0));
}

void show_health(const Screen& screen, const Json& health, bool healthy) {
  const std::string* tenant = health.find_string("tenant_id");
  const bool is_signed = text_of(health, "signature_verification") == "enabled";
  screen.row(text_of(health, "status"),
             fmt::format("{}, signatures {}{}{}", text_of(health, "exec_mode"), is_signed ? "on" : "off",
                         tenant == nullptr ? "" : ", tenant ", tenant == nullptr ? "" : printable(*tenant)),
             healthy ? Colour::green : Colour::red);

  const Json* allow_list = health.find("allow_list");
  const Json::Array* allowed = allow_list == nullptr ? nullptr : allow_list->if_array();
  const std::uint64_t actions = number_of(health, "actions");
  screen.row("actions",
             fmt::format("{:<26} registry {}",
                         allowed == nullptr ? fmt::format("any of {}", actions)
                                            : fmt::format("restricted to {} of {}", allowed->size(), actions),
                         shortened(text_of(health, "registry"))));
  if (const Json* log = health.find("log")) {
    screen.row("log", fmt::format("{}, {} entries", text_of(*log, "origin"), with_separators(number_of(*log, "size"))));
  }
  if (const Json* store = health.find("store")) {
    screen.row("store", fmt::format("{}, {} of {}, durability {}", text_of(*store, "dir"),
                                    with_unit(number_of(*store, "used_bytes")),
                                    with_unit(number_of(*store, "map_size_bytes")), text_of(health, "durability")));
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

Run set_up_health(CLI::App& app) {
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
