// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <utility>

#include "proto-json/approval.h"
#include "proto-json/encoding.h"
#include "proto-json/limits.h"
#include "proto-json/line_splitter.h"
#include "proto-json/message.h"
#include "tests/bench/process_memory.h"

namespace openexec::bench {
namespace {

using Clock = std::chrono::steady_clock;

UtcTime utc_now() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return {now.tv_sec * us_per_s + now.tv_nsec / 1000};
}

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&&) = delete;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ >= 0) {
      close(fd_);
    }
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

struct Connection {
  Fd fd;
  LineSplitter lines{limits::line_bytes_max};
  Clock::time_point sent;
};

std::expected<Fd, std::string> connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return std::unexpected("the socket path is too long");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  Fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0 || connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return std::unexpected(fmt::format("cannot connect to {}: {}", path, std::strerror(errno)));
  }
  return fd;
}

std::int32_t peer_pid(int fd) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 ? credentials.pid : 0;
}

class Load {
 public:
  explicit Load(const LoadOptions& options) : options_(options), run_hash_(to_hex(sha256(options.run_name).view())) {}

  std::expected<LoadReport, std::string> run();

 private:
  std::string next_request();
  std::expected<void, std::string> send_next(Connection& connection);
  std::expected<void, std::string> receive(Connection& connection);
  void take(Connection& connection, std::string_view line);

  const LoadOptions& options_;
  const std::string run_hash_;
  LoadReport report_;
  std::uint64_t next_ = 0;
  std::size_t in_flight_ = 0;
  Clock::time_point end_;
};

std::string Load::next_request() {
  const auto number = static_cast<std::int64_t>(next_++);
  const Json payload = Json::object({{"amount", 120}, {"currency", "EUR"}, {"order", number}});
  std::vector<Member> params = {
      {"action", options_.action}, {"nonce", fmt::format("{}-{}", options_.run_name, number)}, {"payload", payload}};
  if (options_.key != nullptr) {
    // The approval's UUID: version 4 in shape, run and request in content.
    const std::string id =
        fmt::format("{}-{}-4000-8000-{:012x}", run_hash_.substr(0, 8), run_hash_.substr(8, 4), number);
    const UtcTime now = utc_now();
    const auto artifact = mint_clawshield_approval(
        {id, options_.tenant_id, options_.action, payload, now, plus_s(now, 300)}, *options_.key);
    params.push_back({"approval_artifact", *artifact});
  }
  return encode_request(RequestId(number), "execute", Json::object(std::move(params))) + "\n";
}

std::expected<void, std::string> Load::send_next(Connection& connection) {
  const std::string line = next_request();
  connection.sent = Clock::now();
  std::size_t done = 0;
  while (done < line.size()) {
    const ssize_t count = send(connection.fd.get(), line.data() + done, line.size() - done, MSG_NOSIGNAL);
    if (count < 0 && errno != EINTR) {
      return std::unexpected(fmt::format("cannot send: {}", std::strerror(errno)));
    }
    done += count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  ++in_flight_;
  return {};
}

void Load::take(Connection& connection, std::string_view line) {
  --in_flight_;
  const double latency = std::chrono::duration<double, std::micro>(Clock::now() - connection.sent).count();
  const auto response = decode_response(line);
  const Json* result = response ? response->result() : nullptr;
  const std::string* receipt = result != nullptr ? result->find_string("receipt") : nullptr;
  const auto hash = receipt != nullptr ? from_hex(*receipt) : std::nullopt;
  const auto* number = response && response->id ? std::get_if<std::int64_t>(&*response->id) : nullptr;
  if (!hash || number == nullptr || *number < 0 || *result->find_string("status") != "executed") {
    if (report_.errors++ == 0) {
      report_.first_error = std::string(line);
    }
    return;
  }
  ++report_.answered;
  report_.latencies_us.push_back(latency);
  const auto index = static_cast<std::size_t>(*number);
  if (report_.receipts.size() <= index) {
    report_.receipts.resize(index + 1024);
  }
  report_.receipts[index] = Hash::from(*hash).value_or(Hash{});
}

std::expected<void, std::string> Load::receive(Connection& connection) {
  std::array<char, limits::read_buffer_bytes> buffer{};
  const ssize_t count = recv(connection.fd.get(), buffer.data(), buffer.size(), 0);
  if (count <= 0) {
    return std::unexpected("the daemon closed a connection");
  }
  connection.lines.feed({buffer.data(), static_cast<std::size_t>(count)});
  while (const auto line = connection.lines.next()) {
    take(connection, *line);
    if (Clock::now() < end_) {
      if (auto sent = send_next(connection); !sent) {
        return sent;
      }
    }
  }
  return {};
}

std::expected<LoadReport, std::string> Load::run() {
  const Fd poll(epoll_create1(EPOLL_CLOEXEC));
  std::vector<std::unique_ptr<Connection>> connections;
  for (std::size_t i = 0; i < options_.connections; ++i) {
    auto fd = connect_to(options_.socket_path);
    if (!fd) {
      return std::unexpected(fd.error());
    }
    connections.push_back(
        std::make_unique<Connection>(Connection{std::move(*fd), LineSplitter(limits::line_bytes_max), {}}));
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = connections.back().get();
    if (epoll_ctl(poll.get(), EPOLL_CTL_ADD, connections.back()->fd.get(), &event) != 0) {
      return std::unexpected(fmt::format("epoll_ctl: {}", std::strerror(errno)));
    }
  }
  report_.daemon_pid = peer_pid(connections.front()->fd.get());

  const auto begin = Clock::now();
  const auto duration = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options_.seconds));
  end_ = begin + duration;
  for (const auto& connection : connections) {
    if (auto sent = send_next(*connection); !sent) {
      return std::unexpected(sent.error());
    }
  }
  std::array<epoll_event, 256> events{};
  while (in_flight_ > 0) {
    const int ready = epoll_wait(poll.get(), events.data(), static_cast<int>(events.size()), 30'000);
    if (ready == 0) {
      return std::unexpected("no answer for 30 seconds");
    }
    for (int i = 0; i < ready; ++i) {
      auto& connection = *static_cast<Connection*>(events.at(static_cast<std::size_t>(i)).data.ptr);
      if (auto received = receive(connection); !received) {
        return std::unexpected(received.error());
      }
    }
    if (report_.anonymous_kib_early == 0 && Clock::now() > begin + duration / 4) {
      report_.anonymous_kib_early = memory_kib(report_.daemon_pid, "RssAnon").value_or(0);
    }
  }
  report_.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  report_.anonymous_kib_late = memory_kib(report_.daemon_pid, "RssAnon").value_or(0);
  report_.receipts.resize(next_);
  std::sort(report_.latencies_us.begin(), report_.latencies_us.end());
  return std::move(report_);
}

}  // namespace

double LoadReport::percentile_us(double share) const {
  if (latencies_us.empty()) {
    return 0;
  }
  const auto index = static_cast<std::size_t>(share * static_cast<double>(latencies_us.size() - 1));
  return latencies_us[index];
}

std::expected<LoadReport, std::string> run_load(const LoadOptions& options) { return Load(options).run(); }

}  // namespace openexec::bench
