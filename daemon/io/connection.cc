// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "daemon/core/fault_point.h"
#include "daemon/io/watchers.h"
#include "proto-json/check.h"

namespace openexec {
namespace {

constexpr std::size_t buffer_bytes_max = std::size_t{1} << 30;  // libuv counts in 32 bits

std::vector<uv_buf_t> buffers_of(char* bytes, std::size_t size) {
  std::vector<uv_buf_t> buffers;
  for (std::size_t at = 0; at < size; at += buffer_bytes_max) {
    buffers.push_back(uv_buf_init(bytes + at, static_cast<unsigned>(std::min(size - at, buffer_bytes_max))));
  }
  return buffers;
}

}  // namespace

// A write that the socket could not take at once. Freed by its callback.
struct Connection::Write {
  uv_write_t request{};
  std::string bytes;
  std::weak_ptr<Connection> connection;
};

std::shared_ptr<Connection> Connection::open(Loop& loop, ConnectionShared& shared, UniqueFd fd, Caller caller) {
  auto connection = std::make_shared<Connection>(Private(), shared, std::move(caller));
  OPENEXEC_CHECK(connection->pipe_.open([&](uv_pipe_t* pipe) { return uv_pipe_init(loop.get(), pipe, 0); }) == 0);
  if (uv_pipe_open(connection->pipe_.get(), fd.get()) != 0) {
    return nullptr;
  }
  static_cast<void>(fd.release());  // the pipe's now
  connection->pipe_.get()->data = connection.get();
  connection->set_reading(true);
  return connection;
}

// --- in ---

void Connection::on_read(ssize_t count) {
  const auto self = shared_from_this();
  if (count == UV_EOF) {
    end_input();  // what came after the last line end is dropped
  } else if (count < 0) {
    close();
  } else if (count > 0) {
    fed_bytes_ += static_cast<std::size_t>(count);
    splitter_.feed({shared_.read_buffer.data(), static_cast<std::size_t>(count)});
    take_lines();
  }
}

void Connection::take_lines() {
  for (std::size_t taken = 0; may_take_line(); ++taken) {
    if (taken == limits::lines_per_turn_max) {
      // What is answered at once holds back nobody by itself: the others get their turn, then this one goes on.
      set_reading(false);
      flush_later();
      return;
    }
    const auto line = splitter_.next();
    if (line.has_value()) {
      take_line(*line);
      continue;
    }
    if (splitter_.overflowed()) {
      send(encode_error(std::nullopt, {Reason::invalid_request,
                                       fmt::format("a line is longer than {} bytes", shared_.limits.line_bytes_max)}));
      end_input();
      return;
    }
    release_idle_buffers();
    set_reading(true);
    return;
  }
  set_reading(false);
}

bool Connection::may_take_line() {
  if (!pipe_ || input_ended_) {
    return false;
  }
  const std::size_t unsent =
      unsent_.size() + uv_stream_get_write_queue_size(reinterpret_cast<const uv_stream_t*>(pipe_.get()));
  if (unsent > shared_.limits.unsent_bytes_max) {
    throttled_ = true;
  } else if (unsent < shared_.limits.unsent_bytes_max / 2) {
    throttled_ = false;
  }
  return !throttled_ && in_flight_.size() < shared_.limits.in_flight_max;
}

void Connection::take_line(std::string_view line) {
  auto request = decode_request(line);
  if (!request.has_value()) {
    send(encode_error(request.error().id, request.error().error));
    return;
  }
  const RequestId id = request->id;
  if (!in_flight_.insert(id).second) {
    send(encode_error(id, {Reason::invalid_request, "this id is in flight on this connection already"}));
    return;
  }
  const bool is_execute = request->method == "execute";
  shared_.handle(caller_, *std::move(request), [weak = weak_from_this(), id, is_execute](std::string reply) {
    if (const auto connection = weak.lock()) {
      connection->answer(id, is_execute, std::move(reply));
    }
  });
}

void Connection::set_reading(bool reading) {
  if (reading == reading_ || !pipe_) {
    return;
  }
  reading_ = reading;
  auto* stream = reinterpret_cast<uv_stream_t*>(pipe_.get());
  if (!reading) {
    uv_read_stop(stream);
    return;
  }
  // One buffer for all: what is read is taken over before anything else is read.
  const auto allocate = [](uv_handle_t* handle, size_t, uv_buf_t* buffer) {
    std::vector<char>& shared = static_cast<Connection*>(handle->data)->shared_.read_buffer;
    *buffer = uv_buf_init(shared.data(), static_cast<unsigned>(shared.size()));
  };
  const auto read = [](uv_stream_t* from, ssize_t count, const uv_buf_t*) {
    static_cast<Connection*>(from->data)->on_read(count);
  };
  OPENEXEC_CHECK(uv_read_start(stream, allocate, read) == 0);
  if (!watch_in_advance(pipe_)) {
    close();
  }
}

void Connection::end_input() {
  set_reading(false);
  input_ended_ = true;
  splitter_ = LineSplitter(shared_.limits.line_bytes_max);
  close_when_done();
}

void Connection::release_idle_buffers() {
  if (fed_bytes_ > limits::idle_buffer_bytes_max && splitter_.held_bytes() == 0) {
    splitter_ = LineSplitter(shared_.limits.line_bytes_max);
    fed_bytes_ = 0;
  }
}

// --- out ---

void Connection::answer(const RequestId& id, bool is_execute, std::string line) {
  if (!pipe_) {
    return;
  }
  if (is_execute) {
    OPENEXEC_FAULT_POINT("reply.before");
    execute_unsent_ = true;
  }
  in_flight_.erase(id);
  send(std::move(line));
}

void Connection::send(std::string line) {
  if (unsent_.empty()) {
    unsent_ = std::move(line);
  } else {
    unsent_ += line;
  }
  flush_later();
}

void Connection::flush_later() {
  if (!std::exchange(flush_requested_, true)) {
    shared_.flush_later(shared_from_this());
  }
}

void Connection::flush() {
  const auto self = shared_from_this();
  flush_requested_ = false;
  if (!writing_ && !unsent_.empty() && pipe_) {
    write();
  }
  if (!reading_) {
    take_lines();
  }
  close_when_done();
}

void Connection::write() {
  auto* stream = reinterpret_cast<uv_stream_t*>(pipe_.get());
  const uv_buf_t first = buffers_of(unsent_.data(), unsent_.size()).front();
  const int count = uv_try_write(stream, &first, 1);
  if (count < 0 && count != UV_EAGAIN) {
    close();
    return;
  }
  const std::size_t sent = count > 0 ? static_cast<std::size_t>(count) : 0;
  if (sent == unsent_.size()) {
    unsent_.clear();
    if (unsent_.capacity() > limits::idle_buffer_bytes_max) {
      unsent_ = std::string();
    }
    if (std::exchange(execute_unsent_, false)) {
      OPENEXEC_FAULT_POINT("reply.after");
    }
    return;
  }

  auto rest = std::make_unique<Write>();
  rest->bytes = std::exchange(unsent_, {});
  rest->connection = weak_from_this();
  rest->request.data = rest.get();
  const auto buffers = buffers_of(rest->bytes.data() + sent, rest->bytes.size() - sent);
  const auto written = [](uv_write_t* request, int status) {
    const std::unique_ptr<Write> done(static_cast<Write*>(request->data));
    if (const auto connection = done->connection.lock()) {
      connection->on_written(status);
    }
  };
  if (uv_write(&rest->request, stream, buffers.data(), static_cast<unsigned>(buffers.size()), written) != 0) {
    close();
    return;
  }
  static_cast<void>(rest.release());  // its callback's now
  writing_ = true;
  if (!watch_in_advance(pipe_)) {
    close();
  }
}

void Connection::on_written(int status) {
  writing_ = false;
  if (status != 0) {
    close();
    return;
  }
  flush();
}

void Connection::close_when_done() {
  if (input_ended_ && in_flight_.empty() && unsent_.empty() && !writing_) {
    close();
  }
}

void Connection::close() {
  if (pipe_) {
    pipe_.close();
    shared_.closed(*this);
  }
}

}  // namespace openexec
