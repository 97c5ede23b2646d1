// SPDX-License-Identifier: Apache-2.0
#include "tests/support/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <utility>

extern char** environ;

namespace openexec::test {
namespace {

[[noreturn]] void fail_errno(const std::string& what, int error = errno) {
  throw std::runtime_error(what + ": " + std::strerror(error));
}

class SpawnActions {
 public:
  SpawnActions() { check(posix_spawn_file_actions_init(&actions_)); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  ~SpawnActions() { posix_spawn_file_actions_destroy(&actions_); }

  void dup2(int from, int to) { check(posix_spawn_file_actions_adddup2(&actions_, from, to)); }
  void open(int fd, const std::string& path) {
    check(posix_spawn_file_actions_addopen(&actions_, fd, path.c_str(), O_RDWR, 0));
  }
  void chdir(const std::string& path) { check(posix_spawn_file_actions_addchdir_np(&actions_, path.c_str())); }
  [[nodiscard]] const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  static void check(int error) {
    if (error != 0) {
      fail_errno("posix_spawn_file_actions", error);
    }
  }
  posix_spawn_file_actions_t actions_{};
};

class SpawnAttributes {
 public:
  SpawnAttributes() { posix_spawnattr_init(&attributes_); }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  ~SpawnAttributes() { posix_spawnattr_destroy(&attributes_); }

  // The child starts with no signal blocked or ignored, whatever the test runner did.
  void set(bool new_session) {
    sigset_t none;
    sigset_t all;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes_, &none);
    posix_spawnattr_setsigdefault(&attributes_, &all);
    const int session = new_session ? POSIX_SPAWN_SETSID : 0;
    posix_spawnattr_setflags(&attributes_,
                             static_cast<short>(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | session));
  }
  [[nodiscard]] const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

OwnedFd memory_file(const char* name, std::string_view text = {}) {
  OwnedFd file(::memfd_create(name, MFD_CLOEXEC));
  if (file.get() < 0) {
    fail_errno("memfd_create");
  }
  while (!text.empty()) {
    const ssize_t written = ::write(file.get(), text.data(), text.size());
    if (written < 0) {
      fail_errno("write");
    }
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  ::lseek(file.get(), 0, SEEK_SET);
  return file;
}

// Without moving the offset, which the child shares.
std::string text_in(const OwnedFd& file) {
  std::string text;
  std::array<char, 65536> buffer{};
  while (file.get() >= 0) {
    const ssize_t got = ::pread(file.get(), buffer.data(), buffer.size(), static_cast<off_t>(text.size()));
    if (got <= 0) {
      break;
    }
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return text;
}

OwnedFd open_terminal(std::string& path) {
  OwnedFd terminal(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  std::array<char, 128> name{};
  if (terminal.get() < 0 || ::grantpt(terminal.get()) != 0 || ::unlockpt(terminal.get()) != 0 ||
      ::ptsname_r(terminal.get(), name.data(), name.size()) != 0) {
    fail_errno("cannot open a pseudo-terminal");
  }
  path = name.data();
  return terminal;
}

std::vector<std::string> environment(const std::vector<std::string>& added) {
  std::vector<std::string> all = added;  // getenv() takes the first of two entries
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    if (text.starts_with("PATH=") || text.substr(0, text.find('=')).ends_with("SAN_OPTIONS")) {
      all.emplace_back(text);
    }
  }
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts) {
    out.push_back(text.data());
  }
  out.push_back(nullptr);
  return out;
}

}  // namespace

OwnedFd::OwnedFd(OwnedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
OwnedFd& OwnedFd::operator=(OwnedFd&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}
OwnedFd::~OwnedFd() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

Process::Process(ProcessOptions options) {
  SpawnActions actions;
  OwnedFd input;
  if (options.terminal) {
    std::string path;
    terminal_ = open_terminal(path);
    actions.open(STDIN_FILENO, path);  // the first terminal that a session leader opens becomes its /dev/tty
    actions.dup2(STDIN_FILENO, STDOUT_FILENO);
    actions.dup2(STDIN_FILENO, STDERR_FILENO);
  } else {
    input = memory_file("stdin", options.stdin_text);
    stdout_ = memory_file("stdout");
    stderr_ = memory_file("stderr");
    actions.dup2(input.get(), STDIN_FILENO);
    actions.dup2(stdout_.get(), STDOUT_FILENO);
    actions.dup2(stderr_.get(), STDERR_FILENO);
  }
  if (!options.directory.empty()) {
    actions.chdir(options.directory);
  }
  SpawnAttributes attributes;
  attributes.set(options.new_session || options.terminal);

  std::vector<std::string> env = environment(options.env);
  const int error = ::posix_spawn(&pid_, options.argv.at(0).c_str(), actions.get(), attributes.get(),
                                  pointers(options.argv).data(), pointers(env).data());
  if (error != 0) {
    pid_ = -1;
    fail_errno("cannot run " + options.argv[0], error);
  }
  // By its number: the header of Debian 12 for pidfd_open() is not one of C++.
  pidfd_ = OwnedFd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  if (pidfd_.get() < 0) {
    const int saved = errno;
    kill_and_reap();
    fail_errno("pidfd_open", saved);
  }
}

Process::Process(Process&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)),
      stdout_(std::move(other.stdout_)),
      stderr_(std::move(other.stderr_)),
      terminal_(std::move(other.terminal_)),
      shown_(std::move(other.shown_)),
      status_(other.status_) {}

Process& Process::operator=(Process&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(pidfd_, other.pidfd_);
  std::swap(stdout_, other.stdout_);
  std::swap(stderr_, other.stderr_);
  std::swap(terminal_, other.terminal_);
  std::swap(shown_, other.shown_);
  std::swap(status_, other.status_);
  return *this;
}

Process::~Process() { kill_and_reap(); }

void Process::kill_and_reap() {
  if (pid_ > 0 && !status_) {
    ::kill(pid_, SIGKILL);
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
    status_ = ExitStatus{.code = std::nullopt, .signal = SIGKILL};
  }
}

void Process::signal(int number) const {
  if (!status_ && ::kill(pid_, number) != 0) {
    fail_errno("kill");
  }
}

bool Process::ended() {
  if (status_) {
    return true;
  }
  int raw = 0;
  const pid_t reaped = ::waitpid(pid_, &raw, WNOHANG);
  if (reaped < 0) {
    fail_errno("waitpid");
  }
  if (reaped == 0) {
    return false;
  }
  status_.emplace();
  if (WIFEXITED(raw)) {
    status_->code = WEXITSTATUS(raw);
  } else {
    status_->signal = WTERMSIG(raw);
  }
  return true;
}

void Process::drain_terminal() {
  std::array<char, 4096> buffer{};
  while (terminal_.get() >= 0) {
    pollfd readable{.fd = terminal_.get(), .events = POLLIN, .revents = 0};
    if (::poll(&readable, 1, 0) <= 0 || (readable.revents & POLLIN) == 0) {
      return;
    }
    const ssize_t got = ::read(terminal_.get(), buffer.data(), buffer.size());
    if (got <= 0) {
      return;
    }
    shown_.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

bool Process::wait_for_event(std::chrono::steady_clock::time_point until) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
  if (left <= 0) {
    return false;
  }
  // A terminal whose child has closed it only ever says "hung up": the end of the child is then the next event.
  std::array<pollfd, 2> events{pollfd{.fd = pidfd_.get(), .events = POLLIN, .revents = 0},
                               pollfd{.fd = terminal_.get(), .events = POLLIN, .revents = 0}};
  if (::poll(events.data(), events.size(), static_cast<int>(left)) < 0 && errno != EINTR) {
    fail_errno("poll");
  }
  drain_terminal();
  if ((events[1].revents & POLLHUP) != 0 && (events[0].revents & POLLIN) == 0) {
    ::poll(events.data(), 1, static_cast<int>(left));
  }
  return true;
}

ExitStatus Process::wait(std::chrono::milliseconds deadline) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  while (!ended()) {
    if (!wait_for_event(until)) {
      const std::string written = out() + err();
      kill_and_reap();
      throw std::runtime_error("a child process did not end in time; it wrote: " + written);
    }
  }
  drain_terminal();
  return *status_;
}

std::string Process::out() {
  drain_terminal();
  return terminal_.get() >= 0 ? shown_ : text_in(stdout_);
}
std::string Process::err() { return text_in(stderr_); }

void Process::wait_for_output(std::string_view text, std::chrono::milliseconds deadline) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  while (out().find(text) == std::string::npos) {
    if (ended() || !wait_for_event(until)) {
      drain_terminal();
      if (shown_.find(text) == std::string::npos) {
        throw std::runtime_error("a child process never showed \"" + std::string(text) + "\" but: " + shown_);
      }
    }
  }
}

void Process::type(std::string_view text) const {
  if (::write(terminal_.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    fail_errno("cannot type to the terminal");
  }
}

Completed run(ProcessOptions options, std::chrono::milliseconds deadline) {
  Process process(std::move(options));
  const ExitStatus status = process.wait(deadline);
  return {.exit_code = status.code ? *status.code : 128 + status.signal.value_or(0),
          .out = process.out(),
          .err = process.err()};
}

}  // namespace openexec::test
