// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/cookbook.h"

#include <cstdlib>

#include "proto-json/canonical.h"
#include "tests/integration/cli_support.h"
#include "tests/support/catch.h"
#include "tests/support/doc_blocks.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

constexpr std::string_view document_path = "docs/actions.md";

// How often it was there.
std::size_t replace_all(std::string& text, const Replacement& replacement) {
  std::size_t count = 0;
  for (std::size_t at = text.find(replacement.from); at != std::string::npos;
       at = text.find(replacement.from, at + replacement.to.size())) {
    text.replace(at, replacement.from.size(), replacement.to);
    ++count;
  }
  return count;
}

}  // namespace

Cookbook::Cookbook(int landlock_abi_max) : landlock_abi_max_(landlock_abi_max) {
  std::filesystem::create_directory(dir() / "actions.d");
  std::filesystem::permissions(dir() / "actions.d", std::filesystem::perms::owner_all);
  write_file(dir() / "openexec.toml", "[sandbox]\nrequired = true\n");
}

void Cookbook::define(std::string_view action, const std::vector<Replacement>& replacements) const {
  const std::string name = std::string(action) + ".toml";
  std::string text = doc_block(document_path, "/etc/openexec/actions.d/" + name).text;
  for (const Replacement& replacement : replacements) {
    INFO(replacement.from);
    REQUIRE(replace_all(text, replacement) > 0);
  }
  write_file(dir() / "actions.d" / name, text);
  std::filesystem::permissions(dir() / "actions.d" / name, std::filesystem::perms::owner_read);
}

void Cookbook::write_shown(std::string_view shown_path, std::string_view name) const {
  write_file(dir() / name, doc_block(document_path, shown_path).text);
}

DaemonOptions Cookbook::with_config(DaemonOptions options) const {
  if (landlock_abi_max_ > 0) {
    options.binary = openexecd_faults_path();
    options.env.push_back("OPENEXEC_TEST_LANDLOCK_ABI=" + std::to_string(landlock_abi_max_));
  }
  options.args.insert(options.args.end(), {"--config", path("openexec.toml")});
  return options;
}

Answer ActionDaemon::ask(const Json& payload) {
  ++asked_;
  return execute(socket_, action_, payload, "n-" + std::to_string(asked_));
}

Json ActionDaemon::run(const Json& payload, std::string_view status) {
  const Answer answer = ask(payload);
  INFO(to_compact(answer.reply).substr(0, 2000));
  CHECK(string_member(answer.result(), "status") == status);
  return member(answer.result(), "result");
}

void ActionDaemon::refuses(const std::vector<Json>& payloads) {
  for (const Json& payload : payloads) {
    INFO(to_compact(payload));
    CHECK(ask(payload).reason() == "payload_invalid");
  }
}

bool has_program(const std::string& path, std::string_view package) {
  if (std::filesystem::exists(path)) {
    return true;
  }
  if (std::getenv("CI") != nullptr && package != "postgresql") {
    FAIL(path << " is not there (apt install " << package << ")");
  }
  WARN("skipped: " << path << " is not there (apt install " << package << ")");
  return false;
}

}  // namespace openexec::test
