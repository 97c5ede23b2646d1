// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "client/cli/command.h"

namespace openexec::cli {
namespace {

constexpr std::array commands{
    Command{"key", set_up_log_key, "Print the log's verifier key"},
    Command{"checkpoint", set_up_log_checkpoint, "Print the log's latest checkpoint, a signed note"},
    Command{"tail", set_up_log_tail, "Show entries as they are written"},
    Command{"push", set_up_log_push, "Have a witness cosign the log"},
    Command{"verify", set_up_log_verify, "Check a whole log: a store, a copy or an export"},
    Command{"export", set_up_log_export, "Write the log as files that any monitor can read"},
};

}  // namespace

Run set_up_log(App& app) {
  app.footer("Example:\n  openexec log tail");
  return set_up_one_of(app, commands);
}

}  // namespace openexec::cli
