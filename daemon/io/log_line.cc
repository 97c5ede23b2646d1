// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/log_line.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
#include <string>

namespace openexec {
namespace {

// $JOURNAL_STREAM names the device and inode of the stream that systemd made; standard error may be another by now.
bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status{};
  return stream != nullptr && fstat(STDERR_FILENO, &status) == 0 &&
         fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

}  // namespace

void log_line(LogLevel level, std::string_view text) {
  std::string line = stderr_is_journal() ? fmt::format("<{}>", static_cast<int>(level)) : std::string();
  // What is told may quote a file or a variable: it stays one line, and steers no terminal.
  std::transform(text.begin(), text.end(), std::back_inserter(line), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f ? '?' : c;
  });
  line += '\n';
  // Nobody to tell when this fails.
  static_cast<void>(!write(STDERR_FILENO, line.data(), line.size()));
}

}  // namespace openexec
