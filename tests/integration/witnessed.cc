// SPDX-License-Identifier: Apache-2.0
#include "tests/integration/witnessed.h"

#include <fstream>
#include <utility>

#include "proto-json/crypto.h"
#include "proto-json/encoding.h"
#include "proto-json/pem.h"
#include "tests/support/catch.h"
#include "tests/support/vectors.h"

namespace openexec::test {
namespace {

namespace fs = std::filesystem;

// The one line of a command that must succeed.
std::string line_of(const Completed& completed) {
  INFO(completed.err);
  REQUIRE(completed.exit_code == 0);
  REQUIRE(completed.out.ends_with('\n'));
  return completed.out.substr(0, completed.out.size() - 1);
}

void copy_all(const fs::path& from, const fs::path& to) {
  fs::remove_all(to);
  const Completed copied = test::run({.argv = {"/bin/cp", "-a", from.string(), to.string()}});
  INFO(copied.err);
  REQUIRE(copied.exit_code == 0);
}

}  // namespace

WitnessFolder::WitnessFolder(const std::vector<std::string>& logs) {
  std::vector<std::string> arguments{"init", "audit/w1"};
  for (const std::string& log : logs) {
    arguments.insert(arguments.end(), {"--log", log});
  }
  vkey_ = line_of(run(std::move(arguments)));
}

fs::path WitnessFolder::state() const { return *this / ("state/" + to_hex(sha256(test_origin).view())); }

std::vector<fs::path> WitnessFolder::evidence() const {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator(*this / "evidence")) {
    out.push_back(entry.path());
  }
  return out;
}

NoteKey WitnessFolder::key() const {
  auto key = read_vkey(vkey_);
  REQUIRE(key);
  return *std::move(key);
}

NoteSigner WitnessFolder::signer() const {
  auto secret = read_secret_key_pem(read_file(*this / "witness.key"));
  REQUIRE(secret);
  return {key().name, key().type, *std::move(secret)};
}

Completed WitnessFolder::run(std::vector<std::string> arguments, const std::string& stdin_text) const {
  arguments.insert(arguments.begin(), "witness");
  arguments.insert(arguments.end(), {"--dir", dir()});
  return cli(std::move(arguments), {.stdin_text = stdin_text});
}

void WitnessFolder::trust(const std::string& log_vkey) const { line_of(run({"trust", log_vkey})); }

std::int64_t WitnessFolder::size() const {
  const Json shown = show();
  const Json* size = member(shown, "logs").if_array()->front().find("size");
  return size == nullptr ? -1 : *size->if_int();
}

DaemonOptions WitnessedDaemon::configured(DaemonOptions options, const std::string& config,
                                          const WitnessFolder& witness) {
  std::ofstream(config) << "[log]\norigin = \"" << test_origin << "\"\nwitnesses = [\"" << witness.vkey() << "\"]\n";
  options.args.insert(options.args.end(), {"--config", config});
  return options;
}

WitnessedDaemon::WitnessedDaemon(const WitnessFolder& witness, DaemonOptions options)
    : witness_(witness), daemon_(configured(std::move(options), dir_ / "openexec.toml", witness)) {
  log_key_ = line_of(cli({"log", "key"}, {.socket = socket()}));
  witness.trust(log_key_);
}

Completed WitnessedDaemon::push() const {
  return cli({"log", "push", "--exec", witness_.command(), "--witness", witness_.vkey()}, {.socket = socket()});
}

std::int64_t WitnessedDaemon::echo() {
  AgentSocket agent(socket());
  return execute(agent, "echo", Json::object({}), new_approval_id()).index();
}

void WitnessedDaemon::copy_store_to(const fs::path& folder) const {
  copy_all(daemon_.state(), folder / "state");
  copy_all(daemon_.state().string() + ".high-water", folder / "high-water");
}

void WitnessedDaemon::put_store_from(const fs::path& folder) const {
  copy_all(folder / "state", daemon_.state());
  copy_all(folder / "high-water", daemon_.state().string() + ".high-water");
}

}  // namespace openexec::test
