// SPDX-License-Identifier: Apache-2.0
// The main function of every test program. In version 2 this one file also compiles Catch2 itself.
#define CATCH_CONFIG_RUNNER
#include <sys/stat.h>

#include "tests/support/catch.h"

int main(int argc, char** argv) {
  umask(022);  // the daemon refuses what others could write
  return Catch::Session().run(argc, argv);
}
