// SPDX-License-Identifier: Apache-2.0
#include "client/client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <limits>
#include <optional>

#include "proto-json/canonical.h"
#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "proto-json/message.h"
#include "proto-json/receipt.h"

namespace openexec::client {
namespace {

using Kind = Failure::Kind;
using SteadyClock = std::chrono::steady_clock;

std::unexpected<Failure> failure(Kind kind, std::string message) {
  return std::unexpected(Failure{kind, std::move(message)});
}

std::string error_text(int error) {
  std::array<char, 128> buffer{};
  return ::strerror_r(error, buffer.data(), buffer.size());  // GNU form: the text is returned
}

// A moment after which nobody waits any longer; nothing means never.
class Deadline {
 public:
  explicit Deadline(std::int64_t timeout_ms) {
    constexpr std::int64_t ms_max = std::int64_t{1000} * 60 * 60 * 24 * 365;  // far from any overflow of the clock
    if (timeout_ms > 0) {
      until_ = SteadyClock::now() + std::chrono::milliseconds(std::min(timeout_ms, ms_max));
    }
  }

  // What is left, as poll() takes it; 0 once it is over.
  [[nodiscard]] int left_ms() const {
    if (!until_) {
      return -1;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(*until_ - SteadyClock::now()).count();
    return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
  }

 private:
  std::optional<SteadyClock::time_point> until_;
};

// Waits until the socket is ready for `events`, or has failed; false when the time is over.
bool wait_for(int fd, short events, const Deadline& deadline) {
  while (true) {
    pollfd entry{.fd = fd, .events = events, .revents = 0};
    const int left_ms = deadline.left_ms();
    const int ready = ::poll(&entry, 1, left_ms);
    if (ready > 0) {
      return true;
    }
    if (ready == 0 && left_ms >= 0 && deadline.left_ms() == 0) {
      return false;
    }
    if (ready < 0 && errno != EINTR && errno != EAGAIN) {
      return true;  // the call that follows reports it
    }
  }
}

// What a non-blocking call left us with.
enum class Step { again, wait, failed };

Step step_after_error(int error) {
  if (error == EINTR) {
    return Step::again;
  }
  return error == EAGAIN || error == EWOULDBLOCK ? Step::wait : Step::failed;
}

std::expected<void, Failure> send_all(int fd, std::string_view bytes, const Deadline& deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    const int error = errno;
    switch (step_after_error(error)) {
      case Step::again:
        break;
      case Step::wait:
        if (!wait_for(fd, POLLOUT, deadline)) {
          return failure(Kind::timed_out, "the daemon did not take the request in time");
        }
        break;
      case Step::failed:
        return failure(Kind::lost,
                       fmt::format("the connection ended while the request was sent: {}", error_text(error)));
    }
  }
  return {};
}

std::expected<std::string_view, Failure> read_line(int fd, LineSplitter& lines, const Deadline& deadline) {
  std::array<char, limits::read_buffer_bytes> buffer;
  while (true) {
    if (const auto line = lines.next()) {
      return *line;
    }
    if (lines.overflowed()) {
      return failure(Kind::bad_reply, fmt::format("the reply is longer than {} bytes", limits::reply_bytes_max));
    }
    const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got > 0) {
      lines.feed({buffer.data(), static_cast<std::size_t>(got)});
      continue;
    }
    if (got == 0) {
      return failure(Kind::lost, "the daemon closed the connection before it answered");
    }
    const int error = errno;
    switch (step_after_error(error)) {
      case Step::again:
        break;
      case Step::wait:
        if (!wait_for(fd, POLLIN, deadline)) {
          return failure(Kind::timed_out, "the daemon did not answer in time");
        }
        break;
      case Step::failed:
        return failure(Kind::lost, fmt::format("the connection ended before the answer: {}", error_text(error)));
    }
  }
}

// connect() to a Unix socket finishes or fails at once, except for a full backlog, where SO_SNDTIMEO bounds the wait.
int connect_within(int fd, const sockaddr_un& address, const Deadline& deadline) {
  while (true) {
    const int left_ms = deadline.left_ms();
    if (left_ms == 0) {
      return ETIMEDOUT;
    }
    const timeval limit{.tv_sec = std::max(left_ms, 0) / 1000, .tv_usec = std::max(left_ms, 0) % 1000 * 1000L};
    if (::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) != 0) {
      return errno;
    }
    if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
      return 0;
    }
    if (errno == EAGAIN) {
      return ETIMEDOUT;
    }
    if (errno != EINTR) {
      return errno;
    }
  }
}

}  // namespace

Client::Client(int fd) : fd_(fd), lines_(limits::reply_bytes_max) {}

Client& Client::operator=(Client&& other) noexcept {
  if (this != &other) {
    close();
    fd_ = std::exchange(other.fd_, -1);
    next_id_ = other.next_id_;
    lines_ = std::move(other.lines_);
  }
  return *this;
}

void Client::close() noexcept {
  if (fd_ >= 0) {
    ::close(std::exchange(fd_, -1));
  }
}

std::expected<Client, Failure> Client::connect(std::string_view socket_path, std::int64_t timeout_ms) {
  const Deadline deadline(timeout_ms);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket_path.empty() || socket_path.find('\0') != std::string_view::npos) {
    return failure(Kind::unreachable, "a socket path is neither empty nor has a NUL in it");
  }
  if (socket_path.size() >= sizeof address.sun_path) {
    return failure(Kind::unreachable, fmt::format("the socket path has {} bytes; Linux takes at most {}",
                                                  socket_path.size(), sizeof address.sun_path - 1));
  }
  std::ranges::copy(socket_path, std::begin(address.sun_path));

  Client client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (client.fd_ < 0) {
    return failure(Kind::unreachable, error_text(errno));
  }
  if (const int error = connect_within(client.fd_, address, deadline); error != 0) {
    return failure(Kind::unreachable, error_text(error));
  }
  return client;
}

std::expected<Outcome, Failure> Client::call(std::string_view method, const Json& params, std::int64_t timeout_ms) {
  if (fd_ < 0) {
    return failure(Kind::unreachable, "the connection is closed");
  }
  const Deadline deadline(timeout_ms);
  const RequestId id = next_id_++;
  const auto sent = send_all(fd_, encode_request(id, method, params) + "\n", deadline);
  if (!sent && sent.error().kind == Kind::timed_out) {
    close();
    return std::unexpected(sent.error());
  }

  // A daemon that refuses a line before it has read all of it answers and closes: that answer can be read after a
  // failed send.
  const auto line = read_line(fd_, lines_, deadline);
  if (!line) {
    close();
    return std::unexpected(sent ? line.error() : sent.error());
  }
  auto response = decode_response(*line);
  if (!response) {
    close();
    return failure(Kind::bad_reply, fmt::format("the reply is no JSON-RPC response: {}", response.error()));
  }
  // An error with no id is about a line that the daemon could not read as a request; only ours is under way.
  if (response->id != std::optional<RequestId>(id) && (response->id || response->error() == nullptr)) {
    close();
    return failure(Kind::bad_reply, "the reply answers another request");
  }
  return Outcome{std::move(response->outcome)};
}

bool receipt_matches(const Json& execute_result) {
  const std::string* id = execute_result.find_string("id");
  const std::string* receipt = execute_result.find_string("receipt");
  const Json* result = execute_result.find("result");
  return id != nullptr && receipt != nullptr && result != nullptr &&
         *receipt == to_hex(seed_receipt(*id, to_spaced(*result)).view());
}

}  // namespace openexec::client
