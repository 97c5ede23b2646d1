// SPDX-License-Identifier: Apache-2.0
#include "client/cli/terminal.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdio>

#include "client/cli/screen.h"

namespace openexec::cli {

Terminal::Terminal() : tty_(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) {}

bool Terminal::write(std::string_view text) const {
  while (!text.empty()) {
    const ssize_t written = ::write(tty_.fd(), text.data(), text.size());
    if (written < 0 && errno != EINTR) {
      return false;
    }
    text.remove_prefix(static_cast<std::size_t>(written < 0 ? 0 : written));
  }
  return true;
}

bool Terminal::confirms(std::string_view shown, std::string_view question) const {
  if (!write(shown) || ::tcflush(tty_.fd(), TCIFLUSH) != 0 || !write(fmt::format("  {} [y/N] ", question))) {
    return false;
  }
  const std::string answer = line();
  return answer == "y" || answer == "Y" || answer == "yes";
}

std::string Terminal::line() const {
  constexpr std::size_t answer_bytes_max = 16;
  std::string text;
  char next = 0;
  while (text.size() <= answer_bytes_max) {
    const ssize_t got = ::read(tty_.fd(), &next, 1);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got != 1) {
      return {};
    }
    if (next == '\n') {
      break;
    }
    text += next;
  }
  return text;
}

ProgressLine::ProgressLine() : is_terminal_(::isatty(STDERR_FILENO) == 1) {}

void ProgressLine::show(std::string_view what, std::uint64_t done, std::uint64_t of) {
  if (is_terminal_) {
    fmt::print(stderr, "\r\x1b[K{:<{}}{} of {}", what, column, with_separators(done), with_separators(of));
    std::fflush(stderr);
    is_shown_ = true;
  }
}

void ProgressLine::clear() {
  if (is_shown_) {
    fmt::print(stderr, "\r\x1b[K");
    std::fflush(stderr);
    is_shown_ = false;
  }
}

}  // namespace openexec::cli
