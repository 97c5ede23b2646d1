// SPDX-License-Identifier: Apache-2.0
// The daemon with fault points and with actions that have an effect a test can count: each run appends one line,
// durably, to the file named by $OPENEXEC_TEST_EFFECTS. They are added as any action is.
#include <fcntl.h>

#include <chrono>
#include <cstdlib>
#include <thread>
#include <utility>

#include "daemon/daemon.h"
#include "daemon/io/unique_fd.h"
#include "proto-json/check.h"

namespace openexec {
namespace {

using RunOutcome = std::expected<Json, std::string>;

// One line by one write, so that runs at one time leave whole lines.
std::expected<void, std::string> append_effect(const Json& payload) {
  const char* path = std::getenv("OPENEXEC_TEST_EFFECTS");
  if (path == nullptr) {
    return std::unexpected(std::string("OPENEXEC_TEST_EFFECTS names no file"));
  }
  const std::string* tag = payload.find_string("tag");
  const std::string line = (tag != nullptr ? *tag : std::string("-")) + "\n";
  const UniqueFd fd(open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!fd || write(fd.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()) || fsync(fd.get()) != 0) {
    return std::unexpected(std::string("cannot append to the file of effects"));
  }
  return {};
}

RunOutcome count(const Json& payload) {
  if (const auto appended = append_effect(payload); !appended.has_value()) {
    return std::unexpected(appended.error());
  }
  return Json::object({{"count", 1}});
}

RunOutcome sleep(const Json& payload) {
  if (const auto appended = append_effect(payload); !appended.has_value()) {
    return std::unexpected(appended.error());
  }
  const Json* ms = payload.find("ms");
  const std::int64_t* wanted = ms != nullptr ? ms->if_int() : nullptr;
  const std::int64_t slept = wanted != nullptr ? *wanted : 0;
  std::this_thread::sleep_for(std::chrono::milliseconds(slept));
  return Json::object({{"slept_ms", slept}});
}

RunOutcome fail_after_effect(const Json& payload) {
  static_cast<void>(append_effect(payload));
  return std::unexpected(std::string("failed as asked"));
}

void add(Registry& registry, std::string name, std::string description, RunOutcome (*run)(const Json&)) {
  Action action;
  action.name = std::move(name);
  action.description = std::move(description);
  action.schema = Json::object({{"type", "object"}});
  action.effect = Effect::effectful;
  action.run = run;
  OPENEXEC_CHECK(registry.add(std::move(action)).has_value());
}

}  // namespace
}  // namespace openexec

int main(int argc, char** argv) {
  openexec::Registry registry;
  openexec::add_builtins(registry);
  openexec::add(registry, "test.count", "Appends payload.tag to the file of effects", openexec::count);
  openexec::add(registry, "test.sleep", "Appends payload.tag, then sleeps payload.ms milliseconds", openexec::sleep);
  openexec::add(registry, "test.fail", "Appends payload.tag, then fails", openexec::fail_after_effect);
  return openexec::run_daemon(argc, argv, std::move(registry));
}
