// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/notify.h"

#include <sys/socket.h>

#include <cstdlib>

#include "daemon/io/unique_fd.h"

namespace openexec {

Notifier Notifier::from_environment() {
  Notifier notifier;
  if (const char* path = std::getenv("NOTIFY_SOCKET"); path != nullptr) {
    if (const auto address = unix_address_or_abstract(path); address.has_value()) {
      notifier.address_ = *address;
    }
    unsetenv("NOTIFY_SOCKET");
  }
  return notifier;
}

void Notifier::send(std::string_view lines) const {
  if (!address_.has_value()) {
    return;
  }
  const UniqueFd fd(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (fd) {
    // Nobody to tell when this fails.
    static_cast<void>(
        sendto(fd.get(), lines.data(), lines.size(), MSG_NOSIGNAL, address_->get(), address_->size_bytes));
  }
}

}  // namespace openexec
