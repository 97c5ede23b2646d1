// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>

#include "daemon/core/command_result.h"
#include "daemon/io/child_process.h"
#include "daemon/io/uv_handle.h"
#include "daemon/io/watchers.h"
#include "daemon/launch/plan.h"

namespace openexec {

struct RunOrders {
  int launcher = -1;    // a descriptor of the program openexec-launch
  int executable = -1;  // and of the command's
  std::string plan;     // encoded; wiped once it is sent
  std::optional<std::string> input;
  std::size_t captured_bytes_max = 0;
  std::uint64_t time_ms_max = 0;  // the launcher keeps to the plan's timeout; past this it is stopped itself,
  std::uint64_t overtime_ms = 0;  // and killed when it takes that much longer
};

struct RunEnd {
  // Nothing: the launcher ended and did not say how the run did.
  std::optional<launch::Report> report;
  // Where it still runs, after its report: it removes the temporary folder.
  ChildProcess launcher;
  CapturedOutput standard_output;
  CapturedOutput standard_error;
};

// One run of a command: its launcher, and the pipes to it. Destroyed early, it takes the run's end with it: the channel
// closes, and the launcher kills all.
class RunProcess {
 public:
  // `read_buffer` is shared by all: what is read is taken over before anything else is read. `ended` is called once,
  // from the loop, and does not destroy this.
  RunProcess(Loop& loop, std::span<char> read_buffer, std::function<void(RunEnd)> ended);
  RunProcess(const RunProcess&) = delete;
  RunProcess& operator=(const RunProcess&) = delete;
  ~RunProcess();

  // The error says why nothing was started; then `ended` is not called. Called once.
  std::expected<void, std::string> start(RunOrders orders);
  // Of everything of this run; 0 when nothing was started.
  [[nodiscard]] pid_t session() const { return session_; }

 private:
  struct Write;
  struct Ends;  // of the pipes between this and the launcher
  struct Output {
    UvHandle<uv_pipe_t> pipe;
    CapturedOutput captured;
  };

  static std::optional<Ends> open_ends(bool has_input);
  std::expected<void, std::string> spawn(const RunOrders& orders, const Ends& ends);
  bool watch(const Ends& ends) const;
  void adopt(UvHandle<uv_pipe_t>& pipe, int fd);
  void read(UvHandle<uv_pipe_t>& pipe);
  static void write(UvHandle<uv_pipe_t>& pipe, std::string bytes);
  void on_read(const uv_stream_t* from, ssize_t count);
  void on_written(const uv_stream_t* to);
  void on_exit();
  void drain();
  void stop_overdue();
  void close_all();
  void end_when_all_ended();
  bool kill_what_is_left();
  [[nodiscard]] std::optional<launch::Report> report() const;

  Loop& loop_;
  const std::span<char> read_buffer_;
  std::function<void(RunEnd)> ended_;
  std::size_t captured_bytes_max_ = 0;
  pid_t session_ = 0;
  ChildProcess launcher_;
  UvHandle<uv_pipe_t> channel_;
  UvHandle<uv_pipe_t> input_;
  std::array<Output, 2> outputs_;  // standard output, standard error
  std::string said_;               // by the launcher, as far as it has come
  bool is_swept_ = false;
  std::uint64_t drained_ms_ = 0;
  Timer timer_;
};

}  // namespace openexec
