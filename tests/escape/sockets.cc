// SPDX-License-Identifier: Apache-2.0
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <string>

#include "tests/escape/attempts.h"

namespace openexec::escape {
namespace {

Result open_socket(unsigned long family, unsigned long type, int protocol = 0) {
  const long fd = syscall(SYS_socket, family, type, protocol);
  const Result result = result_of(fd);
  close(static_cast<int>(fd));
  return result;
}

struct Address {
  sockaddr_un name{};
  socklen_t size = 0;
};

// A path, or behind a NUL an abstract name.
Address address_of(const std::string& name) {
  Address out;
  out.name.sun_family = AF_UNIX;
  name.copy(out.name.sun_path, sizeof out.name.sun_path - 1);
  out.size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  return out;
}

Result connect_on(int fd, const std::string& name) {
  const Address address = address_of(name);
  const Result result =
      fd < 0 ? errno : result_of(connect(fd, reinterpret_cast<const sockaddr*>(&address.name), address.size));
  close(fd);
  return result;
}

Result connect_to(const std::string& name, int type = SOCK_STREAM) {
  return connect_on(socket(AF_UNIX, type | SOCK_CLOEXEC, 0), name);
}

// One end of a pair, connected anew.
Result connect_pair(const std::string& name) {
  std::array<int, 2> pair{};
  if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair.data()) != 0) {
    return errno;
  }
  close(pair[1]);
  return connect_on(pair[0], name);
}

constexpr auto not_everywhere = "not every kernel has it";

}  // namespace

std::vector<Attempt> on_sockets() {
  return {
      {"a TCP socket", [](const Scene&) { return open_socket(AF_INET, SOCK_STREAM); }},
      {"a UDP socket", [](const Scene&) { return open_socket(AF_INET, SOCK_DGRAM); }},
      {"a socket by a garbled register", [](const Scene&) { return open_socket(AF_INET | high_bits, SOCK_STREAM); }},
      {"an IPv6 socket", [](const Scene&) { return open_socket(AF_INET6, SOCK_STREAM); }, not_everywhere},
      {"a netlink socket", [](const Scene&) { return open_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE); }},
      {"a netlink socket for audits", [](const Scene&) { return open_socket(AF_NETLINK, SOCK_RAW, NETLINK_AUDIT); },
       not_everywhere},
      {"a packet socket", [](const Scene&) { return open_socket(AF_PACKET, SOCK_RAW); }, "it needs CAP_NET_RAW"},
      {"a vsock socket", [](const Scene&) { return open_socket(AF_VSOCK, SOCK_STREAM); }, not_everywhere},
      {"a crypto socket", [](const Scene&) { return open_socket(AF_ALG, SOCK_SEQPACKET); }, not_everywhere},
      {"connect to the daemon", [](const Scene& s) { return connect_to(s.agent); }},
      {"connect to another socket", [](const Scene& s) { return connect_to(s.stream); }},
      {"connect to an abstract socket", [](const Scene& s) { return connect_to('\0' + s.abstract); }},
      {"datagrams to another socket", [](const Scene& s) { return connect_to(s.datagram, SOCK_DGRAM); }},
      {"datagrams from a pair", [](const Scene& s) { return connect_pair(s.datagram); }},
  };
}

}  // namespace openexec::escape
