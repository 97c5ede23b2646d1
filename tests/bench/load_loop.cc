// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load_loop.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <memory>
#include <vector>

#include "daemon/io/unique_fd.h"
#include "proto-json/encoding.h"
#include "proto-json/error.h"
#include "tests/bench/process_usage.h"
#include "tests/bench/reply_scan.h"

namespace openexec::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t parsed_every = 64;  // of the replies one is parsed as well
constexpr std::size_t read_bytes = std::size_t{256} << 10U;
constexpr std::size_t events_max = 1024;
constexpr int silence_ms_max = 30'000;

// A request under way. Its id is its place in the connection's list, so that no id is ever used twice at one time.
struct Slot {
  std::size_t line = 0;
  Clock::time_point sent;
  bool under_way = false;
};

struct Connection {
  UniqueFd fd;
  std::vector<Slot> slots;
  std::vector<std::size_t> free;  // slots
  std::string unread;             // the beginning of a line
  std::string unsent;
  std::size_t unsent_begin = 0;
  bool waits_to_send = false;
};

std::expected<UniqueFd, std::string> connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return std::unexpected("the socket path is too long");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd || connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return std::unexpected(fmt::format("cannot connect to {}: {}", path, std::strerror(errno)));
  }
  return fd;
}

std::int32_t peer_pid(int fd) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 ? credentials.pid : 0;
}

double own_cpu_us() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  const auto us = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
  };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

double seconds_between(Clock::time_point begin, Clock::time_point end) {
  return std::chrono::duration<double>(end - begin).count();
}

class Loop {
 public:
  Loop(const LoadOptions& options, const Sending& sending, LoadReport& report)
      : options_(options),
        sending_(sending),
        report_(report),
        denial_(info(options.terms.key != nullptr ? Reason::approval_signature_invalid : Reason::unknown_action).name),
        buffer_(read_bytes) {}

  std::expected<void, std::string> open();
  std::expected<void, std::string> run();

 private:
  using Done = std::expected<void, std::string>;

  std::optional<std::size_t> next_line(Clock::time_point now);
  Done send_next(Connection& connection);
  Done flush(Connection& connection);
  Done receive(Connection& connection);
  void take(Connection& connection, std::string_view line, Clock::time_point now);
  [[nodiscard]] bool is_as_wanted(const ScannedReply& reply, std::size_t line);
  void note_memory(Clock::time_point now);

  const LoadOptions& options_;
  const Sending& sending_;
  LoadReport& report_;
  const std::string_view denial_;  // the reason that refusals must have
  std::vector<char> buffer_;
  UniqueFd poll_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::int32_t daemon_pid_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t replies_ = 0;
  Clock::time_point begin_;
  Clock::time_point end_;
};

std::expected<void, std::string> Loop::open() {
  poll_ = UniqueFd(epoll_create1(EPOLL_CLOEXEC));
  for (std::size_t i = 0; i < options_.connections(); ++i) {
    auto fd = connect_to(options_.socket_path);
    if (!fd) {
      return std::unexpected(fd.error());
    }
    auto& connection = *connections_.emplace_back(std::make_unique<Connection>());
    connection.fd = *std::move(fd);
    connection.slots.resize(options_.per_connection);
    for (std::size_t slot = 0; slot < options_.per_connection; ++slot) {
      connection.free.push_back(slot);
    }
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &connection;
    if (epoll_ctl(poll_.get(), EPOLL_CTL_ADD, connection.fd.get(), &event) != 0) {
      return std::unexpected(fmt::format("epoll_ctl: {}", std::strerror(errno)));
    }
  }
  daemon_pid_ = peer_pid(connections_.front()->fd.get());
  return {};
}

// The line to send now; nothing when there is to be no more.
std::optional<std::size_t> Loop::next_line(Clock::time_point now) {
  if (options_.requests ? sent_ == *options_.requests : now >= end_) {
    return std::nullopt;
  }
  if (!sending_.again && sent_ == sending_.lines.size()) {
    report_.dry = true;
    return std::nullopt;
  }
  return sent_++ % sending_.lines.size();
}

// Sends one line for each slot that is free, all of them at one time.
std::expected<void, std::string> Loop::send_next(Connection& connection) {
  const auto now = Clock::now();
  while (!connection.free.empty()) {
    const auto line = next_line(now);
    if (!line) {
      break;
    }
    const std::size_t id = connection.free.back();
    connection.free.pop_back();
    connection.slots[id] = {*line, now, true};
    std::array<char, 20> digits{};
    const char* digits_end = std::to_chars(digits.data(), digits.data() + digits.size(), id).ptr;
    connection.unsent.append(before_id)
        .append(std::string_view(digits.data(), digits_end))
        .append(sending_.lines.behind_id(*line));
  }
  return connection.waits_to_send ? Done() : flush(connection);
}

std::expected<void, std::string> Loop::flush(Connection& connection) {
  std::string_view rest = std::string_view(connection.unsent).substr(connection.unsent_begin);
  while (!rest.empty()) {
    const ssize_t count = send(connection.fd.get(), rest.data(), rest.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) {
      break;
    }
    if (count < 0 && errno != EINTR) {
      return std::unexpected(fmt::format("cannot send: {}", std::strerror(errno)));
    }
    rest.remove_prefix(count > 0 ? static_cast<std::size_t>(count) : 0);
  }
  connection.unsent_begin = connection.unsent.size() - rest.size();
  if (rest.empty()) {
    connection.unsent.clear();
    connection.unsent_begin = 0;
  }
  if (connection.waits_to_send != !rest.empty()) {
    connection.waits_to_send = !rest.empty();
    epoll_event event{};
    event.events = connection.waits_to_send ? EPOLLIN | EPOLLOUT : EPOLLIN;
    event.data.ptr = &connection;
    if (epoll_ctl(poll_.get(), EPOLL_CTL_MOD, connection.fd.get(), &event) != 0) {
      return std::unexpected(fmt::format("epoll_ctl: {}", std::strerror(errno)));
    }
  }
  return {};
}

bool Loop::is_as_wanted(const ScannedReply& reply, std::size_t line) {
  if (options_.scenario == Scenario::denied) {
    return reply.reason == denial_;
  }
  Hash receipt;
  if (reply.status != "executed" || !decode_hex(reply.receipt, receipt.data)) {
    return false;
  }
  if (options_.scenario == Scenario::replay) {
    return reply.replayed && receipt == report_.receipts[line];
  }
  report_.receipts[line] = receipt;
  return !reply.replayed;
}

void Loop::take(Connection& connection, std::string_view line, Clock::time_point now) {
  const auto reply = scan_reply(line);
  const bool is_known = reply && reply->id < connection.slots.size() && connection.slots[reply->id].under_way;
  bool good = is_known;
  if (is_known) {
    Slot& slot = connection.slots[reply->id];
    slot.under_way = false;
    connection.free.push_back(reply->id);
    good = is_as_wanted(*reply, slot.line) && (replies_ % parsed_every != 0 || agrees(*reply, line));
    if (good) {
      report_.latencies_us.push_back(std::chrono::duration<float, std::micro>(now - slot.sent).count());
    }
  }
  ++replies_;
  report_.answered += good ? 1 : 0;
  if (!good && report_.errors++ == 0) {
    report_.first_error = std::string(line);
  }
}

std::expected<void, std::string> Loop::receive(Connection& connection) {
  const ssize_t count = recv(connection.fd.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) {
    return {};
  }
  if (count <= 0) {
    return std::unexpected("the daemon closed a connection");
  }
  const auto now = Clock::now();
  std::string_view rest(buffer_.data(), static_cast<std::size_t>(count));
  for (std::size_t end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
    if (connection.unread.empty()) {
      take(connection, rest.substr(0, end), now);
    } else {
      connection.unread.append(rest.substr(0, end));
      take(connection, connection.unread, now);
      connection.unread.clear();
    }
    rest.remove_prefix(end + 1);
  }
  connection.unread.append(rest);
  return send_next(connection);
}

void Loop::note_memory(Clock::time_point now) {
  const bool at_a_quarter =
      options_.requests ? sent_ > *options_.requests / 4 : seconds_between(begin_, now) > options_.seconds / 4;
  if (report_.anonymous_kib_early == 0 && at_a_quarter) {
    report_.anonymous_kib_early = memory_kib(daemon_pid_, "RssAnon").value_or(0);
  }
}

std::expected<void, std::string> Loop::run() {
  const auto daemon_cpu_before = cpu_us(daemon_pid_);
  const double own_cpu_before = own_cpu_us();
  begin_ = Clock::now();
  end_ = begin_ + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options_.seconds));
  for (const auto& connection : connections_) {
    if (auto sent = send_next(*connection); !sent) {
      return sent;
    }
  }
  std::array<epoll_event, events_max> events{};
  while (replies_ < sent_) {
    const int ready = epoll_wait(poll_.get(), events.data(), static_cast<int>(events.size()), silence_ms_max);
    if (ready == 0) {
      return std::unexpected("no answer for 30 seconds");
    }
    for (int i = 0; i < ready; ++i) {
      const epoll_event& event = events.at(static_cast<std::size_t>(i));
      auto& connection = *static_cast<Connection*>(event.data.ptr);
      auto done = (event.events & EPOLLOUT) != 0 ? flush(connection) : Done();
      if (done && (event.events & ~std::uint32_t{EPOLLOUT}) != 0) {
        done = receive(connection);
      }
      if (!done) {
        return done;
      }
    }
    note_memory(Clock::now());
  }
  report_.seconds = seconds_between(begin_, Clock::now());
  report_.generator_cpu_us = own_cpu_us() - own_cpu_before;
  const auto daemon_cpu_after = cpu_us(daemon_pid_);
  const auto peak = memory_kib(daemon_pid_, "VmHWM");
  const auto anonymous = memory_kib(daemon_pid_, "RssAnon");
  if (!daemon_cpu_before || !daemon_cpu_after || !peak || !anonymous) {
    return std::unexpected(fmt::format("cannot read /proc/{}", daemon_pid_));
  }
  report_.daemon_cpu_us = *daemon_cpu_after - *daemon_cpu_before;
  report_.peak_kib = *peak;
  report_.anonymous_kib_late = *anonymous;
  return {};
}

}  // namespace

std::expected<void, std::string> drive(const LoadOptions& options, const Sending& sending, LoadReport& report) {
  Loop loop(options, sending, report);
  auto done = loop.open();
  return done ? loop.run() : done;
}

}  // namespace openexec::bench
