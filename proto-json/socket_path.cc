// SPDX-License-Identifier: Apache-2.0
#include "proto-json/socket_path.h"

#include <fmt/format.h>

namespace openexec {
namespace {

bool given(const std::optional<std::string>& text) { return text.has_value() && !text->empty(); }

}  // namespace

std::string default_socket_path(const SocketPathFacts& facts) {
  if (given(facts.flag)) {
    return *facts.flag;
  }
  if (given(facts.env_socket)) {
    return *facts.env_socket;
  }
  if (facts.system_socket_exists || facts.is_root) {
    return std::string(system_socket_path);
  }
  if (given(facts.xdg_runtime_dir)) {
    return *facts.xdg_runtime_dir + "/openexec/openexec.sock";
  }
  return fmt::format("/tmp/openexec-{}/openexec.sock", facts.uid);
}

}  // namespace openexec
