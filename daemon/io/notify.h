// SPDX-License-Identifier: Apache-2.0
// Tells systemd how the service is: sd_notify(3), by hand.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "daemon/io/unix_address.h"

namespace openexec {

class Notifier {
 public:
  // Takes $NOTIFY_SOCKET out of the environment: nothing that we start may speak for us.
  static Notifier from_environment();

  // One datagram of "VARIABLE=value" lines; nothing happens when nobody asked to be told.
  void send(std::string_view lines) const;

 private:
  std::optional<UnixAddress> address_;
};

}  // namespace openexec
