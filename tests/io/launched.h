// SPDX-License-Identifier: Apache-2.0
// openexec-launch as the daemon starts it, without a daemon.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "daemon/launch/plan.h"
#include "tests/support/process.h"
#include "tests/support/temp_dir.h"

namespace openexec::test {

// A run without a required sandbox, with a generous timeout, in that temporary folder.
launch::Plan plan_of(std::vector<std::string> argv, const TempDir& temp);

// Started by the constructor. A launcher that still runs when this goes sees the end of its channel, and is reaped.
class Launched {
 public:
  explicit Launched(const launch::Plan& plan);
  // Sends these bytes in place of a plan.
  Launched(const std::string& message, const std::string& executable);
  Launched(const Launched&) = delete;
  Launched& operator=(const Launched&) = delete;
  ~Launched();

  [[nodiscard]] pid_t pid() const { return pid_; }
  // What the command has written so far, and what it wrote up to that text.
  [[nodiscard]] std::string out() const;
  std::string wait_for_output(const std::string& text);
  void close_channel();
  // Nothing when the launcher ended without one.
  std::optional<launch::Started> started();
  std::optional<launch::Report> report();
  // Its exit code.
  int wait();

 private:
  pid_t pid_ = -1;
  // Until it has come, or the channel's end.
  void listen(bool (*is_enough)(const launch::Heard&));

  OwnedFd channel_;
  std::string said_;
  OwnedFd output_;
};

}  // namespace openexec::test
