// SPDX-License-Identifier: Apache-2.0
// A real openexecd for tests, with a socket and a store of its own.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace openexec::test {

struct DaemonOptions {
  std::string binary{};             // the path of an openexecd
  std::vector<std::string> args{};  // after --socket
  std::vector<std::string> env{};   // before OPENEXEC_DB_URL, so it may name another store
  std::vector<std::string>
      under{};  // a command to run it with, like a tracer; empty: none. pid() is then that command's
};

// Started by the constructor, which returns once the socket answers; what goes wrong is a std::runtime_error that
// quotes the daemon. Its directory stays until this object goes, so that a daemon that was stopped or killed can be
// started again on its store. A daemon that still runs when this goes is killed.
class TestDaemon {
 public:
  explicit TestDaemon(DaemonOptions options);

  // Starts it again after stop(), kill9() or a death of its own; options() may have been changed in between.
  void start();
  // The same without waiting for an answer, for a daemon that is meant to die.
  void launch();
  // Sends SIGTERM and waits for its end.
  ExitStatus stop();
  // Sends SIGKILL and reaps it.
  void kill9();
  // Waits until it ends by itself.
  ExitStatus wait();

  [[nodiscard]] DaemonOptions& options() { return options_; }
  [[nodiscard]] const std::filesystem::path& dir() const { return dir_.path(); }
  [[nodiscard]] std::string socket() const { return dir_ / "socket"; }
  [[nodiscard]] std::filesystem::path state() const { return dir_ / "state"; }
  [[nodiscard]] pid_t pid() const;
  // What the daemon that was started last has written.
  [[nodiscard]] std::string out();
  [[nodiscard]] std::string err();

 private:
  Process& process();

  DaemonOptions options_;
  TempDir dir_;
  std::optional<Process> process_;
};

}  // namespace openexec::test
