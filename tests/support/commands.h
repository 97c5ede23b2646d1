// SPDX-License-Identifier: Apache-2.0
// Commands for tests: their definitions, and the daemons that run them.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "proto-json/json.h"
#include "tests/support/openexecd.h"
#include "tests/support/temp_dir.h"

namespace openexec::test {

// A folder of definitions and of the scripts they run, with a configuration file that names it.
class Commands {
 public:
  Commands();

  // Defines an action. `keys` is TOML: what stands between its name and its sections, then the sections.
  void define(std::string_view name, std::string_view keys) const;
  // One that runs this script of sh, which has no brace in it.
  void define_shell(std::string_view name, std::string_view script, std::string_view more_keys = {}) const;
  // One that runs this script of Python, which may read itself and write into `writable()`: OUT stands for that there.
  void define_python(std::string_view name, std::string_view script, std::string_view more_keys = {}) const;

  // The options with this folder's configuration.
  [[nodiscard]] DaemonOptions with(DaemonOptions options) const;
  [[nodiscard]] std::filesystem::path dir() const { return dir_.path(); }
  // A folder that Python scripts may write into.
  [[nodiscard]] std::filesystem::path writable() const { return dir_ / "out"; }

 private:
  TempDir dir_;
};

// The result of a command's run, which must have ended with that status.
Json command_result_of(const Answer& answer, std::string_view status = "executed");
// Its standard output, which must be a text.
std::string output_of(const Answer& answer, std::string_view status = "executed");

// "name": text
Json text_payload(std::string_view name, std::string_view text);

// Asks until it holds; false at the generous deadline.
bool wait_until(const std::function<bool()>& holds);
// Waits until that file is there and has something in it, and gives what.
std::string wait_for_file(const std::filesystem::path& path);
// Until no such process is left: one that has ended and is not reaped does not count. False at the generous deadline.
bool wait_until_gone(pid_t pid);

}  // namespace openexec::test
