// SPDX-License-Identifier: Apache-2.0
// The main function of every test program. In version 2 this one file also compiles Catch2 itself.
#define CATCH_CONFIG_RUNNER
#include <sys/stat.h>

#include <string>

#include "tests/support/catch.h"

namespace {

bool skipped = false;

// A test that cannot run here says so: WARN("skipped: ...").
void note(const Catch::AssertionStats& stats) {
  const Catch::AssertionResult& result = stats.assertionResult;
  skipped = skipped || (result.getResultType() == Catch::ResultWas::Warning &&
                        std::string(result.getMessage()).find("skipped: ") != std::string::npos);
}

#if __has_include(<catch2/catch_all.hpp>)
struct SkipListener : Catch::EventListenerBase {
  using EventListenerBase::EventListenerBase;
  void assertionEnded(const Catch::AssertionStats& stats) override { note(stats); }
};
#else
struct SkipListener : Catch::TestEventListenerBase {
  using TestEventListenerBase::TestEventListenerBase;
  bool assertionEnded(const Catch::AssertionStats& stats) override {
    note(stats);
    return true;
  }
};
#endif

CATCH_REGISTER_LISTENER(SkipListener)

}  // namespace

int main(int argc, char** argv) {
  umask(022);                       // the daemon refuses what others could write
  constexpr int skipped_code = 77;  // SKIP_RETURN_CODE in tests/CMakeLists.txt; what failed was not skipped
  const int failed = Catch::Session().run(argc, argv);
  return failed == 0 && skipped ? skipped_code : failed;
}
