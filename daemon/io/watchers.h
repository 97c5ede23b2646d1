// SPDX-License-Identifier: Apache-2.0
// What wakes the loop beside sockets: time, signals, other threads.
#pragma once

#include <cstdint>
#include <functional>

#include "daemon/io/loop.h"
#include "daemon/io/uv_handle.h"

namespace openexec {

// Takes the kernel's room for watching a descriptor before libuv does, which aborts when there is none: any process of
// this user can use it up (fs.epoll.max_user_watches). False: there is none. To be called in the turn in which the
// descriptor is given to the loop, or reading or writing is begun anew: what is not read is let go of when something
// comes. libuv goes on with what is there already.
[[nodiscard]] bool watch_in_advance(const uv_loop_t* loop, int fd);
[[nodiscard]] bool watch_in_advance(const UvHandle<uv_pipe_t>& pipe);

class Timer {
 public:
  explicit Timer(Loop& loop);
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Calls `fire` after `delay_ms`, then every `repeat_ms` when that is not 0. Replaces what was set before.
  void start(std::uint64_t delay_ms, std::uint64_t repeat_ms, std::function<void()> fire);
  void stop();
  [[nodiscard]] bool active() const;

 private:
  std::function<void()> fire_;
  UvHandle<uv_timer_t> handle_;
};

class SignalWatcher {
 public:
  SignalWatcher(Loop& loop, int signal, std::function<void()> received);
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

 private:
  std::function<void()> received_;
  UvHandle<uv_signal_t> handle_;
};

// Wakes the loop from any thread. Several send()s may come as one call.
class Waker {
 public:
  Waker(Loop& loop, std::function<void()> woken);
  Waker(const Waker&) = delete;
  Waker& operator=(const Waker&) = delete;

  void send();

 private:
  std::function<void()> woken_;
  UvHandle<uv_async_t> handle_;
};

}  // namespace openexec
