// SPDX-License-Identifier: Apache-2.0
#include "daemon/daemon.h"

int main(int argc, char** argv) {
  openexec::Registry registry;
  openexec::add_builtins(registry);
  return openexec::run_daemon(argc, argv, std::move(registry));
}
