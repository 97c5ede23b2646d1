// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "daemon/io/loop.h"
#include "daemon/io/uv_handle.h"

namespace openexec {

// A process that the loop reaps. One whose object goes before its end is reaped by nobody.
class ChildProcess {
 public:
  ChildProcess() = default;
  // The options but for what is called at its end.
  static std::expected<ChildProcess, std::string> start(Loop& loop, uv_process_options_t options);

  // What its end calls, from the loop; in place of what was set before.
  void on_end(std::function<void()> ended) { *ended_ = std::move(ended); }
  void kill();
  void close() { process_.close(); }
  [[nodiscard]] pid_t pid() const { return process_.get()->pid; }
  explicit operator bool() const { return static_cast<bool>(process_); }

 private:
  std::unique_ptr<std::function<void()>> ended_;  // known to libuv: it stays where it is when this is moved
  UvHandle<uv_process_t> process_;
};

}  // namespace openexec
