// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "client/cli/command.h"

namespace openexec::cli {
namespace {

constexpr std::array commands{
    Command{"stat", set_up_store_stat, "Show what a store holds"},
    Command{"backup", set_up_store_backup, "Copy a store, also while the daemon runs"},
    Command{"adopt", set_up_store_adopt, "Take over a store that is a copy or was put back to one"},
};

}  // namespace

Run set_up_store(App& app) {
  app.footer("Example:\n  openexec store backup /var/backups/openexec-today");
  return set_up_one_of(app, commands);
}

}  // namespace openexec::cli
