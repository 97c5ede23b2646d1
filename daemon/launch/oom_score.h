// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "daemon/io/unique_fd.h"

namespace openexec::launch {

// When memory runs out the kernel shall take the command, not its launcher or the daemon. What is raised is inherited,
// and may be lowered to what it was. Where /proc is not to be had nothing happens.
class OomScore {
 public:
  // While the process is still dumpable: afterwards the file is root's.
  OomScore();

  void raise_for_command() const;
  void restore() const;

 private:
  UniqueFd file_;
  std::string before_;
};

}  // namespace openexec::launch
