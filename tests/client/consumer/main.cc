// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "client/client.h"
#include "proto-json/canonical.h"

int main() {
  const auto daemon = openexec::client::Client::connect("/nonexistent/openexec.sock");
  std::printf("%s\n", daemon ? "connected" : daemon.error().message.c_str());
  return openexec::to_compact(openexec::Json::object({{"built", true}})) == "{\"built\":true}" && !daemon ? 0 : 1;
}
