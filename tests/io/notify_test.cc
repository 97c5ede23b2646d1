// SPDX-License-Identifier: Apache-2.0
#include "daemon/io/notify.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "daemon/io/unique_fd.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace openexec {
namespace {

TEST_CASE("the service manager is told, at a path or an abstract address, and nobody after us can speak for us") {
  const test::TempDir dir;
  const std::string abstract = "@openexec-notify-test-" + std::to_string(getpid());
  for (const std::string& where : {(dir / "notify").string(), abstract}) {
    const UniqueFd manager(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
    const auto address = unix_address_or_abstract(where);
    REQUIRE(address.has_value());
    REQUIRE(bind(manager.get(), address->get(), address->size_bytes) == 0);

    setenv("NOTIFY_SOCKET", where.c_str(), 1);
    const Notifier notifier = Notifier::from_environment();
    CHECK(std::getenv("NOTIFY_SOCKET") == nullptr);
    notifier.send("READY=1\nSTATUS=serving");
    std::array<char, 100> buffer{};
    const ssize_t size = recv(manager.get(), buffer.data(), buffer.size(), 0);
    REQUIRE(size > 0);
    CHECK(std::string(buffer.data(), static_cast<std::size_t>(size)) == "READY=1\nSTATUS=serving");
  }
}

TEST_CASE("with nobody to tell, or nobody there, telling does nothing") {
  unsetenv("NOTIFY_SOCKET");
  Notifier::from_environment().send("READY=1");
  setenv("NOTIFY_SOCKET", "/nonexistent/notify", 1);
  Notifier::from_environment().send("READY=1");
  CHECK(std::getenv("NOTIFY_SOCKET") == nullptr);
}

}  // namespace
}  // namespace openexec
