// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <uv.h>

#include <memory>
#include <utility>

#include "proto-json/check.h"

namespace openexec {

// Owns a libuv handle: closes it, and frees it in the close callback, when libuv no longer holds it.
template <typename T>
class UvHandle {
 public:
  UvHandle() = default;
  UvHandle(UvHandle&&) noexcept = default;
  UvHandle& operator=(UvHandle&& other) noexcept {
    if (this != &other) {
      close();
      handle_ = std::move(other.handle_);
    }
    return *this;
  }
  UvHandle(const UvHandle&) = delete;
  UvHandle& operator=(const UvHandle&) = delete;
  ~UvHandle() { close(); }

  // `init` calls libuv's init function with the new handle. Gives its error; then there is no handle.
  template <typename Init>
  [[nodiscard]] int open(Init init) {
    OPENEXEC_CHECK(handle_ == nullptr);
    auto handle = std::make_unique<T>();
    const int error = init(handle.get());
    if (error == 0) {
      handle_ = std::move(handle);
    }
    return error;
  }

  void close() {
    if (handle_ != nullptr) {
      uv_close(reinterpret_cast<uv_handle_t*>(handle_.release()),
               [](uv_handle_t* closed) { const std::unique_ptr<T> freed(reinterpret_cast<T*>(closed)); });
    }
  }

  [[nodiscard]] T* get() const { return handle_.get(); }
  explicit operator bool() const { return handle_ != nullptr; }

 private:
  std::unique_ptr<T> handle_;
};

}  // namespace openexec
