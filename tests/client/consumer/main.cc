// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "client/client.h"
#include "client/verify.h"
#include "proto-json/canonical.h"
#include "proto-json/crypto.h"

int main() {
  const auto daemon = openexec::client::Client::connect("/nonexistent/openexec.sock");
  openexec::init_crypto();
  const bool verifies = openexec::client::verify_proof("no proof", {}).ok();
  std::printf("%s\n", daemon ? "connected" : daemon.error().message.c_str());
  return openexec::to_compact(openexec::Json::object({{"built", true}})) == "{\"built\":true}" && !daemon && !verifies
             ? 0
             : 1;
}
