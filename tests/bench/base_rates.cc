// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/base_rates.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <thread>
#include <vector>

#include "daemon/io/unique_fd.h"
#include "proto-json/check.h"
#include "proto-json/crypto.h"
#include "tests/bench/statistics.h"

namespace openexec::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t message_bytes = 200;
constexpr std::size_t request_bytes = 500;
constexpr std::size_t answer_bytes = 300;
constexpr int calls_between_looks = 16;  // at the clock

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

SecretKey some_key() {
  std::array<std::uint8_t, SecretKey::seed_bytes> seed{};
  seed.fill(5);
  return SecretKey::from_seed(seed);
}

// Reads or writes all of it; false when the other side is gone.
template <typename Call>
bool transfer(std::size_t size, Call call) {
  for (std::size_t done = 0; done < size;) {
    const ssize_t count = call(done);
    if (count == 0 || (count < 0 && errno != EINTR)) {
      return false;
    }
    done += count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  return true;
}

bool send_all(int fd, std::string_view text) {
  return transfer(text.size(),
                  [&](std::size_t done) { return send(fd, text.data() + done, text.size() - done, MSG_NOSIGNAL); });
}

bool receive_all(int fd, std::string& text) {
  return transfer(text.size(), [&](std::size_t done) { return recv(fd, text.data() + done, text.size() - done, 0); });
}

}  // namespace

double verifications_per_second(unsigned threads, double seconds) {
  const SecretKey secret = some_key();
  const PublicKey key = secret.public_key();
  const std::string message(message_bytes, 'm');
  const Signature signature = secret.sign(bytes_of(message));
  std::atomic<std::uint64_t> verified = 0;
  const auto begin = Clock::now();
  {
    std::vector<std::jthread> all;
    for (unsigned i = 0; i < threads; ++i) {
      all.emplace_back([&] {
        std::uint64_t count = 0;
        while (seconds_since(begin) < seconds) {
          for (int call = 0; call < calls_between_looks; ++call) {
            OPENEXEC_CHECK(verify_signature(key, bytes_of(message), signature));
          }
          count += calls_between_looks;
        }
        verified += count;
      });
    }
  }
  return static_cast<double>(verified) / seconds_since(begin);
}

double signature_us(double seconds) {
  const SecretKey secret = some_key();
  std::string message(message_bytes, 'm');
  std::uint64_t count = 0;
  const auto begin = Clock::now();
  while (seconds_since(begin) < seconds) {
    for (int call = 0; call < calls_between_looks; ++call) {
      message.front() = static_cast<char>(secret.sign(bytes_of(message)).data.front());
    }
    count += calls_between_looks;
  }
  return seconds_since(begin) * 1e6 / static_cast<double>(count);
}

std::expected<double, std::string> round_trip_us(double seconds) {
  std::array<int, 2> pair{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    return std::unexpected(fmt::format("cannot make a pair of sockets: {}", std::strerror(errno)));
  }
  const UniqueFd theirs(pair[1]);
  const std::jthread echo([fd = theirs.get()] {
    std::string request(request_bytes, '\0');
    const std::string answer(answer_bytes, 'a');
    while (receive_all(fd, request) && send_all(fd, answer)) {
    }
  });
  const UniqueFd ours(pair[0]);  // closed before the other thread is waited for, which ends it
  const std::string request(request_bytes, 'r');
  std::string answer(answer_bytes, '\0');
  std::vector<float> took_us;
  const auto begin = Clock::now();
  while (seconds_since(begin) < seconds) {
    const auto sent = Clock::now();
    if (!send_all(ours.get(), request) || !receive_all(ours.get(), answer)) {
      return std::unexpected("the socket's other side is gone");
    }
    took_us.push_back(std::chrono::duration<float, std::micro>(Clock::now() - sent).count());
  }
  std::sort(took_us.begin(), took_us.end());
  return percentile(took_us, 0.5);
}

}  // namespace openexec::bench
