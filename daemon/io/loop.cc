// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/loop.h"

#include "proto-json/check.h"

namespace openexec {

std::expected<std::unique_ptr<Loop>, std::string> Loop::open() {
  auto loop = std::make_unique<Loop>(Private());
  if (const int error = uv_loop_init(&loop->loop_); error != 0) {
    return std::unexpected(std::string("cannot start the event loop: ") + uv_strerror(error));
  }
  loop->opened_ = true;
  return loop;
}

Loop::~Loop() {
  if (opened_) {
    // Close callbacks and cancelled requests free what they own.
    uv_run(&loop_, UV_RUN_DEFAULT);
    OPENEXEC_CHECK(uv_loop_close(&loop_) == 0);
  }
}

void Loop::run() { uv_run(&loop_, UV_RUN_DEFAULT); }

void Loop::run_ready() { uv_run(&loop_, UV_RUN_NOWAIT); }

void Loop::stop() { uv_stop(&loop_); }

}  // namespace openexec
