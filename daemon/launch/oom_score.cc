// SPDX-License-Identifier: Apache-2.0
#include "daemon/launch/oom_score.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <string>
#include <string_view>

namespace openexec::launch {
namespace {

constexpr int score_of_commands = 500;  // as if it had half of all memory more than it has

void put(const UniqueFd& file, std::string_view value) {
  if (file && !value.empty()) {
    [[maybe_unused]] const ssize_t size = pwrite(file.get(), value.data(), value.size(), 0);
  }
}

}  // namespace

OomScore::OomScore() : file_(open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC)) {
  std::array<char, 16> buffer{};
  if (const ssize_t size = file_ ? pread(file_.get(), buffer.data(), buffer.size(), 0) : 0; size > 0) {
    before_.assign(buffer.data(), static_cast<std::size_t>(size));
  }
}

void OomScore::raise_for_command() const {
  int before = 0;
  const auto read = std::from_chars(before_.data(), before_.data() + before_.size(), before);
  if (read.ec == std::errc() && before < score_of_commands) {
    put(file_, std::to_string(score_of_commands));
  }
}

void OomScore::restore() const { put(file_, before_); }

}  // namespace openexec::launch
