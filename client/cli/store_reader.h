// SPDX-License-Identifier: Apache-2.0
// Asks openexec-store, the small program that opens stores: a store that is damaged so badly that its reader crashes
// crashes only that.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "client/cli/command.h"
#include "client/cli/screen.h"
#include "proto-json/json.h"

namespace openexec::cli {

struct StoreFailure {
  std::string text;         // for a person, not printable
  bool is_damaged = false;  // its reader crashed or came to a stand
};

// Runs `openexec-store` with these words and shows its progress on a terminal. Its result, also when that says that the
// store is not as it should be.
std::expected<Json, StoreFailure> ask_store(const std::vector<std::string>& words);

// The folder that was named, else that of the daemon; or how to end after everything has been told.
std::expected<std::string, Exit> store_dir(const Globals& globals, const Screen& screen, const std::string& named);

// Tells why there is no result.
Exit tell_store_failure(const StoreFailure& failure);

}  // namespace openexec::cli
