// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/watchers.h"

#include <sys/epoll.h>

#include <cerrno>

#include "proto-json/check.h"

// The init functions here take no resource that an open loop does not have already: they cannot fail.

namespace openexec {

bool watch_in_advance(const uv_loop_t* loop, int fd) {
  epoll_event nothing{};
  nothing.data.fd = fd;
  return epoll_ctl(uv_backend_fd(loop), EPOLL_CTL_ADD, fd, &nothing) == 0 || errno == EEXIST;
}

bool watch_in_advance(const UvHandle<uv_pipe_t>& pipe) {
  uv_os_fd_t fd = -1;
  return uv_fileno(reinterpret_cast<const uv_handle_t*>(pipe.get()), &fd) == 0 &&
         watch_in_advance(pipe.get()->loop, fd);
}

Timer::Timer(Loop& loop) {
  OPENEXEC_CHECK(handle_.open([&](uv_timer_t* timer) { return uv_timer_init(loop.get(), timer); }) == 0);
  handle_.get()->data = this;
}

void Timer::start(std::uint64_t delay_ms, std::uint64_t repeat_ms, std::function<void()> fire) {
  fire_ = std::move(fire);
  const auto fired = [](uv_timer_t* timer) { static_cast<Timer*>(timer->data)->fire_(); };
  OPENEXEC_CHECK(uv_timer_start(handle_.get(), fired, delay_ms, repeat_ms) == 0);
}

void Timer::stop() { uv_timer_stop(handle_.get()); }

bool Timer::active() const { return uv_is_active(reinterpret_cast<const uv_handle_t*>(handle_.get())) != 0; }

SignalWatcher::SignalWatcher(Loop& loop, int signal, std::function<void()> received) : received_(std::move(received)) {
  OPENEXEC_CHECK(handle_.open([&](uv_signal_t* handle) { return uv_signal_init(loop.get(), handle); }) == 0);
  handle_.get()->data = this;
  const auto fired = [](uv_signal_t* handle, int) { static_cast<SignalWatcher*>(handle->data)->received_(); };
  OPENEXEC_CHECK(uv_signal_start(handle_.get(), fired, signal) == 0);
}

Waker::Waker(Loop& loop, std::function<void()> woken) : woken_(std::move(woken)) {
  const auto fired = [](uv_async_t* handle) { static_cast<Waker*>(handle->data)->woken_(); };
  OPENEXEC_CHECK(handle_.open([&](uv_async_t* handle) { return uv_async_init(loop.get(), handle, fired); }) == 0);
  handle_.get()->data = this;
}

void Waker::send() { OPENEXEC_CHECK(uv_async_send(handle_.get()) == 0); }

}  // namespace openexec
