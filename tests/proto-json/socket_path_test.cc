// SPDX-License-Identifier: Apache-2.0
#include "proto-json/socket_path.h"

#include "tests/support/catch.h"

namespace openexec {
namespace {

TEST_CASE(
    "the socket's default path is the first that is there of flag, environment, system, runtime folder and /tmp") {
  SocketPathFacts facts;
  facts.uid = 1000;
  CHECK(default_socket_path(facts) == "/tmp/openexec-1000/openexec.sock");
  facts.xdg_runtime_dir = "/run/user/1000";
  CHECK(default_socket_path(facts) == "/run/user/1000/openexec/openexec.sock");
  facts.system_socket_exists = true;
  CHECK(default_socket_path(facts) == "/run/openexec/openexec.sock");
  facts.system_socket_exists = false;
  facts.is_root = true;
  CHECK(default_socket_path(facts) == "/run/openexec/openexec.sock");
  facts.env_socket = "/env.sock";
  CHECK(default_socket_path(facts) == "/env.sock");
  facts.flag = "/flag.sock";
  CHECK(default_socket_path(facts) == "/flag.sock");
}

TEST_CASE("a path that is set to nothing counts as unset") {
  SocketPathFacts facts;
  facts.flag = "";
  facts.env_socket = "";
  facts.xdg_runtime_dir = "";
  CHECK(default_socket_path(facts) == "/tmp/openexec-0/openexec.sock");
}

}  // namespace
}  // namespace openexec
