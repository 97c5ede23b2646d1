// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/child_process.h"

#include <csignal>
#include <utility>

#include "proto-json/check.h"

namespace openexec {

std::expected<ChildProcess, std::string> ChildProcess::start(Loop& loop, uv_process_options_t options) {
  options.exit_cb = [](uv_process_t* process, std::int64_t, int) {
    // A copy: what is called may destroy the object.
    if (const auto ended = *static_cast<const std::function<void()>*>(process->data)) {
      ended();
    }
  };
  ChildProcess child;
  child.ended_ = std::make_unique<std::function<void()>>();
  int error = 0;
  OPENEXEC_CHECK(child.process_.open([&](uv_process_t* process) {
    error = uv_spawn(loop.get(), process, &options);
    return 0;  // the loop knows the handle also when it failed
  }) == 0);
  child.process_.get()->data = child.ended_.get();
  if (error != 0) {
    return std::unexpected(uv_strerror(error));
  }
  return child;
}

void ChildProcess::kill() { static_cast<void>(uv_process_kill(process_.get(), SIGKILL)); }

}  // namespace openexec
