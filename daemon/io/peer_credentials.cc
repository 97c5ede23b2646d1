// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/peer_credentials.h"

#include <sys/socket.h>

#include <array>

#include "proto-json/limits.h"

namespace openexec {

std::optional<Caller> peer_of(int fd) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0 || size != sizeof credentials) {
    return std::nullopt;
  }
  Caller caller;
  caller.peer = {credentials.uid, credentials.gid, credentials.pid};
  caller.groups.push_back(credentials.gid);

  std::array<gid_t, limits::peer_groups_max> groups{};
  size = sizeof groups;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &size) == 0) {
    caller.groups.insert(caller.groups.end(), groups.begin(), groups.begin() + size / sizeof(gid_t));
  }
  caller.groups.shrink_to_fit();
  return caller;
}

}  // namespace openexec
