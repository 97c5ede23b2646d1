// SPDX-License-Identifier: Apache-2.0
// Daemons that run the definitions of docs/actions.md.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto-json/json.h"
#include "tests/support/openexecd.h"
#include "tests/support/temp_dir.h"

namespace openexec::test {

inline constexpr int debian_12_landlock_abi = 2;

// What stands in the document, and what a test has in its place: paths and addresses.
struct Replacement {
  std::string from;
  std::string to;
};

// A folder for one definition and all that it works on.
class Cookbook {
 public:
  // The daemon takes its kernel's Landlock for no newer than that; 0: as found.
  explicit Cookbook(int landlock_abi_max);

  [[nodiscard]] const std::filesystem::path& dir() const { return dir_.path(); }
  [[nodiscard]] std::string path(std::string_view name) const { return (dir() / name).string(); }
  // Writes the definition of that action with the replacements, each of which must fit somewhere.
  void define(std::string_view action, const std::vector<Replacement>& replacements) const;
  // Writes another file that the document shows, its content as it stands there.
  void write_shown(std::string_view shown_path, std::string_view name) const;
  // The options with this folder's configuration.
  [[nodiscard]] DaemonOptions with_config(DaemonOptions options) const;

 private:
  int landlock_abi_max_;
  TempDir dir_;
};

// A daemon that is asked for one action, each time with a nonce of its own.
class ActionDaemon {
 public:
  ActionDaemon(std::string action, DaemonOptions options)
      : action_(std::move(action)), daemon_(std::move(options)), socket_(daemon_.socket()) {}

  [[nodiscard]] AgentSocket& socket() { return socket_; }
  [[nodiscard]] Answer ask(const Json& payload);
  // The result of a run with that status: any other answer fails the test.
  Json run(const Json& payload, std::string_view status = "executed");
  // That each of these payloads is refused before anything runs.
  void refuses(const std::vector<Json>& payloads);

 private:
  std::string action_;
  TestDaemon daemon_;
  AgentSocket socket_;
  int asked_ = 0;
};

// Whether the program is there. Where it is not, the test is to be skipped; with $CI set a program that building needs
// anyway fails it instead.
bool has_program(const std::string& path, std::string_view package);

}  // namespace openexec::test
