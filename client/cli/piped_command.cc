// SPDX-License-Identifier: Apache-2.0
#include "client/cli/piped_command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <limits>
#include <utility>

#include "client/cli/file.h"
#include "client/cli/spawn.h"

namespace openexec::cli {
namespace {

using std::chrono::steady_clock;

std::unexpected<std::string> system_failure(std::string_view what, int error) {
  return std::unexpected(fmt::format("{}: {}", what, std::strerror(error)));
}

// The terminal that this process is in the foreground of, if any: the child gets it, so that an `ssh` may ask for a
// passphrase there, and it is taken back at the end.
class Foreground {
 public:
  Foreground() : terminal_(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {
    if (terminal_ && ::tcgetpgrp(terminal_.fd()) != ::getpgrp()) {
      terminal_ = File();
    }
  }
  Foreground(const Foreground&) = delete;
  Foreground& operator=(const Foreground&) = delete;
  ~Foreground() {
    if (!terminal_) {
      return;
    }
    // Whoever takes the foreground from the background is stopped, unless it ignores this.
    struct sigaction ignored{};
    struct sigaction before{};
    ignored.sa_handler = SIG_IGN;
    ::sigaction(SIGTTOU, &ignored, &before);
    static_cast<void>(::tcsetpgrp(terminal_.fd(), ::getpgrp()));
    ::sigaction(SIGTTOU, &before, nullptr);
  }
  [[nodiscard]] const File& terminal() const { return terminal_; }

 private:
  File terminal_;
};

// The process group of one child. What is left of it is killed, and the child reaped, when this goes.
class Child {
 public:
  Child(pid_t pid, File pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) {
      ::kill(-pid_, SIGKILL);
      static_cast<void>(reap());
    }
  }
  [[nodiscard]] int pidfd() const { return pidfd_.fd(); }

  // Waits for its end: its exit code, or 128 and the signal.
  int reap() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

 private:
  pid_t pid_;
  File pidfd_;
};

// A write to a child that has closed its standard input is an error then, and no signal.
class NoBrokenPipeSignal {
 public:
  NoBrokenPipeSignal() {
    struct sigaction ignored{};
    ignored.sa_handler = SIG_IGN;
    ::sigaction(SIGPIPE, &ignored, &before_);
  }
  NoBrokenPipeSignal(const NoBrokenPipeSignal&) = delete;
  NoBrokenPipeSignal& operator=(const NoBrokenPipeSignal&) = delete;
  ~NoBrokenPipeSignal() { ::sigaction(SIGPIPE, &before_, nullptr); }

 private:
  struct sigaction before_{};
};

std::expected<pid_t, int> spawn_shell(const std::string& command, const File& in, const File& out,
                                      const File& terminal) {
  SpawnSettings settings;
  int error = ::posix_spawn_file_actions_adddup2(&settings.actions, in.fd(), STDIN_FILENO);
  error = error != 0 ? error : ::posix_spawn_file_actions_adddup2(&settings.actions, out.fd(), STDOUT_FILENO);
  if (error == 0 && terminal) {
    error = ::posix_spawn_file_actions_addtcsetpgrp_np(&settings.actions, terminal.fd());
  }
  sigset_t usual{};
  ::sigemptyset(&usual);
  ::sigaddset(&usual, SIGPIPE);
  error = error != 0 ? error : ::posix_spawnattr_setsigdefault(&settings.attributes, &usual);
  constexpr short flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF;
  error = error != 0 ? error : ::posix_spawnattr_setflags(&settings.attributes, flags);
  std::string shell = "/bin/sh";
  std::string option = "-c";
  std::string text = command;
  const std::array<char*, 4> argv = {shell.data(), option.data(), text.data(), nullptr};
  pid_t pid = -1;
  error = error != 0
              ? error
              : ::posix_spawn(&pid, shell.c_str(), &settings.actions, &settings.attributes, argv.data(), environ);
  return error == 0 ? std::expected<pid_t, int>(pid) : std::unexpected(error);
}

// Writes and reads as the child lets us, until it has ended.
class Exchange {
 public:
  Exchange(File in, File out, std::string_view input, std::size_t out_bytes_max)
      : in_(std::move(in)), out_(std::move(out)), rest_(input), out_bytes_max_(out_bytes_max) {}

  // What the child answered; or why it is to be killed.
  std::expected<std::string, std::string> run(int pidfd, steady_clock::time_point until) {
    bool ended = false;
    while (!ended) {
      std::array<pollfd, 3> waits{{{pidfd, POLLIN, 0}, {in_.fd(), POLLOUT, 0}, {out_.fd(), POLLIN, 0}}};
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - steady_clock::now()).count();
      if (left <= 0) {
        return std::unexpected(std::string("the command was not over in time (--exec-timeout), and was killed"));
      }
      constexpr std::int64_t poll_ms_max = std::numeric_limits<int>::max();
      if (::poll(waits.data(), waits.size(), static_cast<int>(std::min(left, poll_ms_max))) < 0) {
        if (errno != EINTR) {
          return system_failure("cannot wait for the command", errno);
        }
        continue;
      }
      ended = waits[0].revents != 0;
      if (waits[1].revents != 0) {
        write_some();
      }
      // Whatever the child wrote is there once it has ended; a grandchild that keeps the pipe is not waited for.
      if ((waits[2].revents != 0 || ended) && !read_some()) {
        return std::unexpected(fmt::format("the command answered more than {} bytes", out_bytes_max_));
      }
    }
    return std::move(text_);
  }

 private:
  void write_some() {
    const ssize_t sent = ::write(in_.fd(), rest_.data(), rest_.size());
    if (sent >= 0) {
      rest_.remove_prefix(static_cast<std::size_t>(sent));
    }
    const bool is_over = rest_.empty() || (sent < 0 && errno != EINTR && errno != EAGAIN);
    if (is_over) {
      in_.close();  // a child that does not read all of it may still answer
    }
  }

  // All that is there now. False when it is too much.
  bool read_some() {
    std::array<char, 4096> buffer{};
    while (out_) {
      const ssize_t got = ::read(out_.fd(), buffer.data(), buffer.size());
      if (got < 0 && errno == EINTR) {
        continue;
      }
      if (got < 0 && errno == EAGAIN) {
        return true;
      }
      if (got <= 0) {
        out_.close();
        return true;
      }
      text_.append(buffer.data(), static_cast<std::size_t>(got));
      if (text_.size() > out_bytes_max_) {
        return false;
      }
    }
    return true;
  }

  File in_;
  File out_;
  std::string_view rest_;
  std::string text_;
  const std::size_t out_bytes_max_;
};

}  // namespace

std::expected<PipedAnswer, std::string> run_piped(const std::string& command, std::string_view input,
                                                  std::size_t out_bytes_max, std::int64_t timeout_ms) {
  const auto until = steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  auto in = make_pipe();
  auto out = make_pipe();
  if (!in || !out || ::fcntl(in->write.fd(), F_SETFL, O_NONBLOCK) != 0 ||
      ::fcntl(out->read.fd(), F_SETFL, O_NONBLOCK) != 0) {
    return system_failure("cannot make a pipe", !in ? in.error() : !out ? out.error() : errno);
  }
  const NoBrokenPipeSignal no_signal;
  const Foreground foreground;
  const auto pid = spawn_shell(command, in->read, out->write, foreground.terminal());
  if (!pid) {
    return system_failure("cannot start /bin/sh", pid.error());
  }
  Child child(*pid, File(static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0))));
  if (child.pidfd() < 0) {
    return system_failure("cannot watch the command", errno);
  }
  in->read.close();
  out->write.close();
  auto text = Exchange(std::move(in->write), std::move(out->read), input, out_bytes_max).run(child.pidfd(), until);
  if (!text) {
    return std::unexpected(text.error());
  }
  return PipedAnswer{*std::move(text), child.reap()};
}

}  // namespace openexec::cli
