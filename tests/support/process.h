// SPDX-License-Identifier: Apache-2.0
// Child processes for tests: started with an environment of their own, their output kept, every wait bounded.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <csignal>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace openexec::test {

// Only ever there to end a hang: no test measures time.
inline constexpr std::chrono::seconds generous_deadline{120};

struct ProcessOptions {
  std::vector<std::string> argv{};  // argv[0] is the path of the program
  // "NAME=value", added to PATH and the sanitizers' settings, which is all that is inherited.
  std::vector<std::string> env{};
  std::string stdin_text{};
  std::string directory{};  // to run in; empty: the caller's
  // A session of its own: without `terminal` that means no /dev/tty either.
  bool new_session = false;
  // Standard input, output and error are a new pseudo-terminal, which is also /dev/tty. All output is then in out().
  bool terminal = false;
};

struct ExitStatus {
  std::optional<int> code{};    // it ended by itself
  std::optional<int> signal{};  // it was killed by this signal
};

// A file descriptor that closes itself.
class OwnedFd {
 public:
  OwnedFd() = default;
  explicit OwnedFd(int fd) : fd_(fd) {}
  OwnedFd(OwnedFd&& other) noexcept;
  OwnedFd& operator=(OwnedFd&& other) noexcept;
  OwnedFd(const OwnedFd&) = delete;
  OwnedFd& operator=(const OwnedFd&) = delete;
  ~OwnedFd();
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_ = -1;
};

// A running child. What goes wrong in starting or waiting for it is a std::runtime_error, which fails the test. A child
// that still runs when this goes is killed and reaped.
class Process {
 public:
  explicit Process(ProcessOptions options);
  Process(Process&&) noexcept;
  Process& operator=(Process&&) noexcept;
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  [[nodiscard]] pid_t pid() const { return pid_; }
  void signal(int number) const;
  // True once it has ended.
  bool ended();
  // Waits for its end. A child that is still running at the deadline is killed, and that is an error.
  ExitStatus wait(std::chrono::milliseconds deadline = generous_deadline);

  // What it has written so far.
  [[nodiscard]] std::string out();
  [[nodiscard]] std::string err();

  // For a child with a terminal: waits until `text` was shown; types `text`.
  void wait_for_output(std::string_view text, std::chrono::milliseconds deadline = generous_deadline);
  void type(std::string_view text) const;

 private:
  void kill_and_reap();
  // Waits until the child ends or its terminal has output; false when the time is over.
  bool wait_for_event(std::chrono::steady_clock::time_point until);
  void drain_terminal();

  pid_t pid_ = -1;
  OwnedFd pidfd_;
  OwnedFd stdout_;    // a memory file, or nothing with a terminal
  OwnedFd stderr_;    // the same
  OwnedFd terminal_;  // the controlling side
  std::string shown_;
  std::optional<ExitStatus> status_;
};

struct Completed {
  int exit_code = -1;  // 128 + the signal's number when it was killed, as a shell says it
  std::string out{};
  std::string err{};
};

// Runs a program to its end.
Completed run(ProcessOptions options, std::chrono::milliseconds deadline = generous_deadline);

}  // namespace openexec::test
