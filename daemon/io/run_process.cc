// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/run_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "daemon/core/fault_point.h"
#include "daemon/io/session.h"
#include "daemon/io/system_error.h"
#include "daemon/io/unique_fd.h"
#include "proto-json/check.h"
#include "proto-json/crypto.h"
#include "proto-json/limits.h"
#include "proto-json/receipt_rules.h"

namespace openexec {
namespace {

uv_stream_t* stream_of(const UvHandle<uv_pipe_t>& pipe) { return reinterpret_cast<uv_stream_t*>(pipe.get()); }

// What was begun on it is called back after this, and finds nobody.
void close(UvHandle<uv_pipe_t>& pipe) {
  if (pipe) {
    pipe.get()->data = nullptr;
    pipe.close();
  }
}

struct TwoEnds {
  UniqueFd ours;
  UniqueFd theirs;
};

// No child inherits these; the launcher's copies are made for it alone.
std::optional<TwoEnds> open_pipe(bool ours_reads) {
  std::array<int, 2> fds{};
  if (pipe2(fds.data(), O_CLOEXEC) != 0) {
    return std::nullopt;
  }
  TwoEnds ends{UniqueFd(fds[0]), UniqueFd(fds[1])};
  if (!ours_reads) {
    std::swap(ends.ours, ends.theirs);
  }
  return ends;
}

std::optional<TwoEnds> open_channel() {
  std::array<int, 2> fds{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) != 0) {
    return std::nullopt;
  }
  return TwoEnds{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

bool is_possible(const launch::Report& report) {
  if (!report.not_started.empty()) {
    return true;
  }
  return report.duration_us >= 0 && report.duration_us <= exact_integer_max &&
         (report.is_signal ? report.number >= 1 && report.number <= signal_max
                           : report.number >= 0 && report.number <= exit_code_max);
}

}  // namespace

struct RunProcess::Ends {
  TwoEnds channel;
  std::optional<TwoEnds> input;
  std::array<TwoEnds, 2> outputs;
};

// Freed by its callback.
struct RunProcess::Write {
  uv_write_t request{};
  std::string bytes;
};

RunProcess::RunProcess(Loop& loop, std::span<char> read_buffer, std::function<void(RunEnd)> ended)
    : loop_(loop), read_buffer_(read_buffer), ended_(std::move(ended)), timer_(loop) {}

RunProcess::~RunProcess() { close_all(); }

std::optional<RunProcess::Ends> RunProcess::open_ends(bool has_input) {
  auto channel = open_channel();
  auto input = has_input ? open_pipe(false) : std::nullopt;
  auto standard_output = open_pipe(true);
  auto standard_error = open_pipe(true);
  if (!channel || (has_input && !input) || !standard_output || !standard_error) {
    return std::nullopt;
  }
  return Ends{*std::move(channel), std::move(input), {*std::move(standard_output), *std::move(standard_error)}};
}

std::expected<void, std::string> RunProcess::start(RunOrders orders) {
  captured_bytes_max_ = orders.captured_bytes_max;
  auto ends = open_ends(orders.input.has_value());
  if (!ends) {
    wipe(orders.plan);
    return std::unexpected(system_message(errno));
  }
  if (!watch(*ends)) {
    wipe(orders.plan);
    return std::unexpected("the kernel has no room to watch its pipes (fs.epoll.max_user_watches)");
  }
  if (auto spawned = spawn(orders, *ends); !spawned) {
    wipe(orders.plan);
    return spawned;
  }
  adopt(channel_, ends->channel.ours.release());
  for (std::size_t i = 0; i < outputs_.size(); ++i) {
    adopt(outputs_[i].pipe, ends->outputs[i].ours.release());
    read(outputs_[i].pipe);
  }
  read(channel_);
  write(channel_, std::move(orders.plan));
  if (ends->input) {
    adopt(input_, ends->input->ours.release());
    write(input_, *std::move(orders.input));
  }
  timer_.start(orders.time_ms_max, orders.overtime_ms, [this] { stop_overdue(); });
  return {};
}

std::expected<void, std::string> RunProcess::spawn(const RunOrders& orders, const Ends& ends) {
  // By descriptor, so that every run is by the launcher of this daemon's release.
  const std::string program = fmt::format("/proc/self/fd/{}", orders.launcher);
  std::string name = "openexec-launch";
  std::array<char*, 2> arguments = {name.data(), nullptr};
  std::array<char*, 1> environment = {nullptr};

  std::array<uv_stdio_container_t, launch::executable_fd + 1> descriptors{};
  const auto inherit = [&](std::size_t number, int fd) {
    descriptors[number].flags = UV_INHERIT_FD;
    descriptors[number].data.fd = fd;
  };
  descriptors[STDIN_FILENO].flags = UV_IGNORE;  // libuv: /dev/null
  if (ends.input) {
    inherit(STDIN_FILENO, ends.input->theirs.get());
  }
  inherit(STDOUT_FILENO, ends.outputs[0].theirs.get());
  inherit(STDERR_FILENO, ends.outputs[1].theirs.get());
  inherit(launch::channel_fd, ends.channel.theirs.get());
  inherit(launch::executable_fd, orders.executable);

  uv_process_options_t options{};
  options.file = program.c_str();
  options.args = arguments.data();
  options.env = environment.data();
  options.cwd = "/";
  options.flags = UV_PROCESS_DETACHED;  // a session of its own, before it runs
  options.stdio_count = static_cast<int>(descriptors.size());
  options.stdio = descriptors.data();
  auto started = ChildProcess::start(loop_, options);
  if (!started) {
    return std::unexpected(started.error());
  }
  launcher_ = *std::move(started);
  launcher_.on_end([this] { on_exit(); });
  session_ = launcher_.pid();
  return {};
}

bool RunProcess::watch(const Ends& ends) const {
  const auto can_watch = [this](const TwoEnds& two) { return watch_in_advance(loop_.get(), two.ours.get()); };
  return can_watch(ends.channel) && std::ranges::all_of(ends.outputs, can_watch) &&
         (!ends.input || can_watch(*ends.input));
}

// Hands a descriptor of ours, which is watched, to the loop. That takes no resource: it cannot fail.
void RunProcess::adopt(UvHandle<uv_pipe_t>& pipe, int fd) {
  OPENEXEC_CHECK(pipe.open([&](uv_pipe_t* handle) { return uv_pipe_init(loop_.get(), handle, 0); }) == 0);
  OPENEXEC_CHECK(uv_pipe_open(pipe.get(), fd) == 0);
  pipe.get()->data = this;
}

void RunProcess::read(UvHandle<uv_pipe_t>& pipe) {
  const auto allocate = [](uv_handle_t* handle, size_t, uv_buf_t* buffer) {
    const std::span<char> shared = static_cast<RunProcess*>(handle->data)->read_buffer_;
    *buffer = uv_buf_init(shared.data(), static_cast<unsigned>(shared.size()));
  };
  const auto read_some = [](uv_stream_t* from, ssize_t count, const uv_buf_t*) {
    static_cast<RunProcess*>(from->data)->on_read(from, count);
  };
  OPENEXEC_CHECK(uv_read_start(stream_of(pipe), allocate, read_some) == 0);
}

void RunProcess::write(UvHandle<uv_pipe_t>& pipe, std::string bytes) {
  auto write = std::make_unique<Write>();
  write->bytes = std::move(bytes);
  write->request.data = write.get();
  const uv_buf_t buffer = uv_buf_init(write->bytes.data(), static_cast<unsigned>(write->bytes.size()));
  const auto written = [](uv_write_t* request, int) {
    const std::unique_ptr<Write> done(static_cast<Write*>(request->data));
    wipe(done->bytes);  // a plan holds secrets
    if (auto* run = static_cast<RunProcess*>(request->handle->data)) {
      run->on_written(request->handle);  // what went wrong is told by the run's end
    }
  };
  OPENEXEC_CHECK(uv_write(&write->request, stream_of(pipe), &buffer, 1, written) == 0);
  static_cast<void>(write.release());  // the callback's now
}

void RunProcess::on_written(const uv_stream_t* to) {
  if (to == stream_of(input_)) {
    close(input_);  // the command sees the end of its input; one that does not want it has closed its end before
  } else {
    OPENEXEC_FAULT_POINT("command.sent");
  }
}

void RunProcess::on_read(const uv_stream_t* from, ssize_t count) {
  const std::string_view bytes(read_buffer_.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  if (from == stream_of(channel_)) {
    constexpr std::size_t bytes_max =
        2 * launch::length_bytes + sizeof(launch::Started) + limits::launch_report_bytes_max;
    said_ += bytes.substr(0, bytes_max - said_.size());
    if (report() || count < 0) {
      close(channel_);  // what is left to the launcher after its report, its temporary folder, is not this run's
    }
    if (report()) {
      drain();
    }
    end_when_all_ended();
    return;
  }
  for (Output& output : outputs_) {
    if (from != stream_of(output.pipe)) {
      continue;
    }
    CapturedOutput& captured = output.captured;
    const std::string_view kept = bytes.substr(0, captured_bytes_max_ - captured.bytes.size());
    captured.bytes += kept;
    captured.cut = captured.cut || kept.size() < bytes.size();
    if (count < 0) {
      close(output.pipe);
      end_when_all_ended();
    }
    return;
  }
}

void RunProcess::on_exit() {
  launcher_.close();
  if (!report()) {
    drain();
  }
  end_when_all_ended();
}

// All of the run's processes are dead or dying now, and what they wrote is in the pipes: their ends follow, unless
// somebody outside of the run was given one.
void RunProcess::drain() {
  constexpr auto step_ms = static_cast<std::uint64_t>(limits::run_reap_poll_ms);
  timer_.start(step_ms, step_ms, [this] {
    drained_ms_ += step_ms;
    if (drained_ms_ >= limits::run_drain_ms) {
      for (Output& output : outputs_) {
        output.captured.cut = output.captured.cut || output.pipe;
      }
      close_all();
    }
    end_when_all_ended();
  });
}

// The launcher keeps the timeout itself: this is for one that cannot.
void RunProcess::stop_overdue() {
  if (channel_) {
    close(channel_);  // it kills everything
  } else {
    launcher_.kill();
  }
}

void RunProcess::close_all() {
  close(channel_);
  close(input_);
  for (Output& output : outputs_) {
    close(output.pipe);
  }
}

void RunProcess::end_when_all_ended() {
  const auto told = report();
  if (!ended_ || (!told && (launcher_ || channel_))) {
    return;
  }
  // While somebody may be left, the daemon's sockets are closed to them: this run is known by its session.
  const bool is_left = !told && kill_what_is_left() && drained_ms_ < limits::run_drain_ms;
  if (is_left || outputs_[0].pipe || outputs_[1].pipe) {
    return;
  }
  timer_.stop();
  close_all();
  std::exchange(ended_, nullptr)(
      {told, std::exchange(launcher_, {}), std::move(outputs_[0].captured), std::move(outputs_[1].captured)});
}

// A launcher that was killed could not. Whether it is known that somebody is left.
bool RunProcess::kill_what_is_left() {
  const auto started = launch::decode_heard(said_).started;
  const bool is_left = started && kill_group(session_, started->group);
  if (!std::exchange(is_swept_, true)) {
    kill_session(session_);
  }
  return is_left;
}

std::optional<launch::Report> RunProcess::report() const {
  auto report = launch::decode_heard(said_).report;
  return report && is_possible(*report) ? std::move(report) : std::nullopt;
}

}  // namespace openexec
